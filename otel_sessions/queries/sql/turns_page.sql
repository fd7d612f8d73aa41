-- Which turns of a session are on a page, with how many there are, out of narrow columns; DIRECTION is a text of ours.
SELECT TraceId, StartTime, count() OVER () AS Total
FROM session_traces
WHERE Project = {project:String} AND SessionId = {session_id:String}
    AND ({user_id:String} = '' OR UserId = {user_id:String})
    AND ({name:String} = '' OR Name = {name:String})
    AND (empty({environments:Array(String)})
        OR has({environments:Array(String)}, if(Environment = '', 'default', Environment)))
    AND hasAll(Tags, {tags:Array(String)})
    AND StartTime >= {from:DateTime64(9, 'UTC')} AND StartTime < {to:DateTime64(9, 'UTC')}
ORDER BY StartTime DIRECTION, TraceId
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
