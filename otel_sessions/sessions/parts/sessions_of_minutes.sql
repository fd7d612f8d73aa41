SELECT
    substring(arrayFirst(turn -> turn.4 > 0 AND turn.3 != '', arraySort(arrayZip(
        mapValues(minMap(map(m.TraceId, m.FirstStart))), mapKeys(minMap(map(m.TraceId, m.FirstStart))),
        mapValues(maxMap(map(m.TraceId, m.InputPick))), mapValues(maxMap(map(m.TraceId, m.SpanCount)))))).3, 10) AS Input,
    substring(arrayLast(turn -> turn.4 > 0 AND turn.3 != '', arraySort(arrayZip(
        mapValues(maxMap(map(m.TraceId, m.LastEnd))), mapKeys(maxMap(map(m.TraceId, m.LastEnd))),
        mapValues(maxMap(map(m.TraceId, m.OutputPick))), mapValues(maxMap(map(m.TraceId, m.SpanCount)))))).3, 10) AS Output,
    toUInt64(arrayMax(arrayPushFront(arrayMap(
        (start, end) -> if(start > end, start - end, 0),
        arrayPopFront(arraySort(arrayFilter(start -> start < 9223372036854775808, mapValues(minMap(map(m.TraceId, m.FirstStart)))))),
        arrayPopBack(arraySort(arrayMap(end -> bitAnd(end, 9223372036854775807),
            arrayFilter(end -> end >= 9223372036854775808, mapValues(maxMap(map(m.TraceId, m.LastEnd)))))))), 0))) AS LongestGap,
${session_figures}
FROM _turn_minutes AS m
GROUP BY Project, SessionId
HAVING SpanCount > 0
