-- Finds which session goes on from a given one. Most turns tell of none, so this is small.
ALTER TABLE _session_turns ADD INDEX IF NOT EXISTS idx_previous
    substring(Metadata['session.previous_id'], 9) TYPE bloom_filter(0.01) GRANULARITY 1;
