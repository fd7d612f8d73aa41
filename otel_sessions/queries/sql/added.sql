-- versions
-- Of each table of what people and the configuration say of sessions: which parts it has now, and how many rows.
SELECT table AS Table, lower(hex(sipHash128(arraySort(groupArray(path))))) AS Version, sum(rows) AS Rows
FROM system.parts
WHERE active AND database = currentDatabase() AND table IN {tables:Array(String)}
GROUP BY table

-- hashes
SELECT DISTINCT sipHash64(toString(Project), SessionId) AS Hash FROM TABLE

-- of_sessions
SELECT arrayMap(id -> sipHash64({project:String}, id), {session_ids:Array(String)}) AS Hashes

-- life
SELECT
${../../sessions/parts/idle_after}
    AS IdleAfter,
${../../sessions/parts/split_after}
    AS SplitAfter
