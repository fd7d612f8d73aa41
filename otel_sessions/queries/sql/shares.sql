-- The links that work, the newest first.
SELECT SessionId, CreatedAt, ExpiresAt, if(IsFrozen, 'frozen', 'live') AS Mode, Hide, HideRoles, TokenHash AS _key
FROM _session_shares FINAL
WHERE Project = {project:String} AND IsDeleted = 0 AND (ExpiresAt IS NULL OR ExpiresAt > now64(9, 'UTC'))
    AND (CreatedAt < {time:DateTime64(9, 'UTC')} OR CreatedAt = {time:DateTime64(9, 'UTC')} AND TokenHash > {key:String})
ORDER BY CreatedAt DESC, TokenHash
LIMIT {limit:UInt32}
