-- hashes
SELECT DISTINCT CRC32(concat(toString(Project), '\0', SessionId)) AS Hash FROM TABLE

-- life
SELECT
${../../sessions/parts/idle_after}
    AS IdleAfter,
${../../sessions/parts/split_after}
    AS SplitAfter
