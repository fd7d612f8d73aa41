-- What a table has of the corrections of some traces, and not what inserts have summed of them.
DELETE FROM {table:Identifier}
WHERE Correction != 0
    AND (Project, TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
