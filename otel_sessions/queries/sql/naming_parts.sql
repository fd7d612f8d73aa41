-- Of some parts of turns whether any row says that its session goes on from another. A part that is gone is missing; rows
-- that were deleted count as long as they are there, so that a part which has nothing else is not missing.
SELECT _part AS Part, max(mapContains(Metadata, 'session.previous_id')) AS Names
FROM _session_turns
WHERE _part IN {parts:Array(String)}
GROUP BY Part
SETTINGS apply_deleted_mask = 0, max_rows_to_read = 0
