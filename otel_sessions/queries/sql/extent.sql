-- The first and the last moment of sessions, of which BOUNDS tells both.
SELECT count() AS Sessions, min(tupleElement(Bound, 1)) AS First, max(tupleElement(Bound, 2)) AS Last
FROM (BOUNDS)
