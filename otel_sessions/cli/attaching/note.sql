INSERT INTO _attached_parts (Source, Partition, MinBlock, MaxBlock, Part, Rows)
SELECT {source:String}, {partition:String}, {low:UInt64}, {high:UInt64}, {part:String}, {rows:UInt64}
