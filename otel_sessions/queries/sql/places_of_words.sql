-- Where words may be, each place once; PLACES is a statement of ours. In which granules there is nothing the engine remembers
-- only where the index is asked before the parts are read.
SELECT DISTINCT SessionId, TraceId
FROM PLACES
LIMIT {limit:UInt32}
SETTINGS use_skip_indexes_on_data_read = 0, merge_tree_min_rows_for_concurrent_read = 8192,
    merge_tree_min_bytes_for_concurrent_read = 1000000
