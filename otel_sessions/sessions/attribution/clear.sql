DELETE FROM {table:Identifier}
WHERE Correction != 0 AND ReceivedAt < now() - {older_than_s:UInt32}
    AND (Pair, Correction) NOT IN (SELECT Pair, Correction FROM _corrected_turns FINAL)
