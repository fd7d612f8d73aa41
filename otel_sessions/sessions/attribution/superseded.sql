-- How many figures of corrections there are that others have taken the place of. Young ones may yet come into force.
SELECT count()
FROM _session_turns
WHERE Correction != 0 AND ReceivedAt < now() - {older_than_s:UInt32}
    AND (Pair, Correction) NOT IN (SELECT Pair, Correction FROM _corrected_turns FINAL)
