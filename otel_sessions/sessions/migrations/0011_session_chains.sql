-- Finds which session goes on from a given one. Most turns tell of none, so this is small.
ALTER TABLE _session_turns ADD INDEX IF NOT EXISTS idx_previous
    substring(Metadata['session.previous_id'], 9) TYPE bloom_filter(0.01) GRANULARITY 1;

-- Finds which parts have any turn that goes on from another session; the engine knows no other name of the function.
ALTER TABLE _session_turns ADD INDEX IF NOT EXISTS idx_has_previous
    mapContainsKey(Metadata, 'session.previous_id') TYPE minmax GRANULARITY 1;
