            -- The session that the rule gives a span `s` of a trace whose best claim is `r.Best`.
            if(substring(r.Best, 1, 1) <= '2' AND s.ClaimLevel = toUInt8OrZero(substring(r.Best, 1, 1)),
                s.ClaimId, substring(r.Best, 11))
