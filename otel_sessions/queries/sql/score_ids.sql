-- The scores on traces and on spans of them, by trace: these name their trace, so that no session is worked out.
SELECT TraceId, groupArray({limit:UInt32})(ScoreId) AS Ids
FROM _scores FINAL
WHERE Project = {project:String} AND TraceId IN {trace_ids:Array(String)} AND IsDeleted = 0
GROUP BY TraceId
