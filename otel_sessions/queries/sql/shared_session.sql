SELECT Project, SessionId, IsFrozen, Hide, HideRoles
FROM _session_shares FINAL
WHERE TokenHash = {token_hash:String} AND IsDeleted = 0 AND (ExpiresAt IS NULL OR ExpiresAt > now64(9, 'UTC'))
