-- One row a span: every column of the Collector's ClickHouse exporter under the same name and type, and ours.
--
-- Facts only: a row never changes because something else arrived. The sort key begins with the session as it was known
-- at the insert, so that the spans of a session lie together; it is a place, not a truth (see 0002_sessions.sql).
-- Spans of a trace lie in the order of their starts: what comes in turn, a call, a tool, a call, compresses far better than in the
-- order of their ids, which is none. Level 3 costs no more than level 1 here and halves what repeats in small steps, level 6 no more
-- still of texts that come again and again, as what a resource says; random ids are smallest with level 1. Lengths of texts stand among
-- them: fewer files to open for a column, and long texts and maps are smaller, ids longer.
-- Partitions follow the arrival, not the span's own times: a batch whose timestamps span years is one partition.
-- Parts stay compact, all columns in one file, until they are large: an insert writes 3 files instead of 250, and the spans
-- of a session are read in half the time.
-- Model calls send the conversation again, so what spans say grows with the square of their session's turns. The spans of a
-- session lie together: a window of 8 MB finds again what large blocks hold, at a third of the bytes.
-- Merges wait for 16 parts of a size: every span is then rewritten half as often as by default, for a few more parts.
-- A merge holds a few granules of each part, or a column of them where it writes a wide one: granules of 2 MiB, 16 parts at most and columns one
-- after another keep it below 200 MB where spans have 16 KB each, which took 560. Spans of 500 bytes have the granules they had.
-- The table and those that its views fill remember the tokens of 1000 inserts: an insert that is repeated is stored once
-- (clickhouse/inserts.py).
CREATE TABLE IF NOT EXISTS otel_traces
(
${../parts/span_columns}
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_timestamp Timestamp TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toMonday(ReceivedAt, 'UTC')
ORDER BY (Project, SessionHint, TraceId, Timestamp)
SETTINGS index_granularity = 2048, index_granularity_bytes = 2097152, string_serialization_version = 'single_stream',
    min_parts_to_merge_at_once = 16, max_parts_to_merge_at_once = 16, merge_selector_base = 16, vertical_merge_algorithm_min_rows_to_activate = 1,
    min_bytes_for_wide_part = 268435456, non_replicated_deduplication_window = 1000
COMMENT 'One row a span as received; a retry may store one twice, which the views of sessions count once';

-- Empty when a server has started: whoever stores then gives it a new id, so that tokens of inserts end with the server that
-- may have lost their rows (clickhouse/inserts.py).
CREATE TABLE IF NOT EXISTS _server_life (Id UUID COMMENT 'random; the smallest counts') ENGINE = Memory
COMMENT 'Internal: who the server is since it started';
