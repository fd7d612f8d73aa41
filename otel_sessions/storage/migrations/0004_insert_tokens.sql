-- So many tokens of inserts each table remembers: an insert that is repeated is stored once (storage/inserts.py).
ALTER TABLE otel_traces MODIFY SETTING non_replicated_deduplication_window = 1000;
ALTER TABLE session_candidates MODIFY SETTING non_replicated_deduplication_window = 1000;
ALTER TABLE session_claims MODIFY SETTING non_replicated_deduplication_window = 1000;
ALTER TABLE trace_claims MODIFY SETTING non_replicated_deduplication_window = 1000;
