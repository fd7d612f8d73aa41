-- Of some traces the best claim as it is stored, and the claims, level and session, by which spans of theirs may be in a session of their own.
SELECT
    t.Project AS Project, t.TraceId AS TraceId,
    (toUInt8OrZero(substring(min(t.Best) AS Text, 1, 1)), toUInt8OrZero(substring(Text, 2, 1)),
        reinterpretAsUInt64(reverse(substring(Text, 3, 8))), substring(Text, 11)) AS Claim,
    arrayMap(
        place -> (place.ClaimLevel, if(place.ClaimId = '', place.SessionId, place.ClaimId)),
        arrayFilter(place -> place.ClaimLevel <= 2, groupUniqArrayArray(t.Places))) AS Own
FROM _trace_claims AS t
WHERE (t.Project, t.TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
GROUP BY Project, TraceId
