-- A word that few sessions have.
SELECT arrayElement(splitByNonAlpha(substring(InputPick, 10)), 7) FROM _session_turns WHERE SessionId = 'session-000123' LIMIT 1
