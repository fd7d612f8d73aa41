SELECT DISTINCT Project, SessionId
FROM _session_turns
WHERE Correction = 0 AND ReceivedAt >= toDateTime({since:UInt32}, 'UTC')
ORDER BY Project, SessionId
