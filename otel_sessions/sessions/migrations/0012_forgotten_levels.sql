-- How good the claim was by which a deleted session had a trace: what names another session no worse is in that one.
ALTER TABLE _forgotten ADD COLUMN IF NOT EXISTS Levels Array(UInt8) COMMENT 'of each of these traces the level of its best claim' CODEC(ZSTD(1)) AFTER Traces;
ALTER TABLE _forgotten MODIFY COLUMN Traces COMMENT 'traces of which it had the best claim, or that it had alone';
