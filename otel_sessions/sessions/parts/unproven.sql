    -- Traces `t` that what is known of them does not prove right: one that has been corrected, with a span that came twice, as
    -- far as short hashes tell, with more spans than hashes are kept of, or with one in another session than the rule gives it.
    (max(t.IsDoubtful) = 1
        OR sum(t.Rows) != length(groupUniqArrayArray(65536)(t.Spans))
        OR arrayExists((place, best) -> place.SessionId != if(
                substring(best, 1, 1) <= '2' AND place.ClaimLevel = toUInt8OrZero(substring(best, 1, 1)),
                if(place.ClaimId = '', place.SessionId, place.ClaimId), substring(best, 11)),
            groupUniqArrayArray(t.Places) AS Places, arrayWithConstant(length(Places), min(t.Best))))
