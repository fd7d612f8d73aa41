-- Of traces `t` whether what is known of them proves them right, and what their best claims are. Not right are those that have been
-- corrected, those with a span that came twice, as far as short hashes tell, or with more spans than hashes are kept of, and
-- those that are misplaced: with a span under another session than the rule gives it.
WITH min(t.Best) AS best, groupUniqArrayArray(t.Places) AS places
SELECT
    t.Project AS Project, t.TraceId AS TraceId,
    max(t.IsDoubtful) = 1 OR sum(t.Rows) != length(groupUniqArrayArray(65536)(t.Spans)) OR IsMisplaced AS IsUnproven,
    arrayExists((place, best) -> place.SessionId != if(
            substring(best, 1, 1) <= '2' AND place.ClaimLevel = toUInt8OrZero(substring(best, 1, 1)),
            if(place.ClaimId = '', place.SessionId, place.ClaimId), substring(best, 11)),
        places, arrayWithConstant(length(places), best)) AS IsMisplaced,
${may_pause}
    AS MayPause,
    toUInt8OrZero(substring(best, 1, 1)) AS Level, toUInt8OrZero(substring(best, 2, 1)) AS NotRoot,
    reinterpretAsUInt64(reverse(substring(best, 3, 8))) AS FirstStart, substring(best, 11) AS Id
FROM _trace_claims AS t
