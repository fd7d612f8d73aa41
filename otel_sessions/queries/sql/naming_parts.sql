-- Of some parts of turns those of which any row says that its session goes on from another, by an index; rows that were deleted
-- count as long as they are there.
SELECT DISTINCT _part AS Part
FROM _session_turns
WHERE _part IN {parts:Array(String)} AND mapContainsKey(Metadata, 'session.previous_id') = 1
SETTINGS apply_deleted_mask = 0, max_rows_to_read = 0, optimize_functions_to_subcolumns = 0
