-- How many spans there are, and of some of them the session, as far as that is known without looking closer. A prefix of
-- an id is as good a boundary as the whole.
SELECT count(), groupArraySampleIf({size:UInt32}, 1)(substringUTF8(if(SessionHint != '', SessionHint, ClaimId), 1, 60), Session)
FROM (SELECT SessionHint, ClaimId, SessionHint != '' OR ClaimId != '' AS Session FROM otel_traces)
