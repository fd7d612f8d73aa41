-- Sessions that were deleted, and of which something has been stored since all the same.
SELECT f.Project AS Project, f.SessionId AS SessionId
FROM _forgotten AS f FINAL
WHERE f.Until > now64(9, 'UTC') AND (f.Project, f.SessionId) IN (SELECT Project, SessionId FROM _turn_minutes)
LIMIT {limit:UInt32}
