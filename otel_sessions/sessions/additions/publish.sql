INSERT INTO _session_shares
    (TokenHash, Project, SessionId, CreatedAt, ExpiresAt, IsFrozen, Hide, HideRoles, UpdatedAt, IsDeleted)
SELECT
    {token_hash:String}, {project:String}, {session_id:String}, now64(9, 'UTC'),
    {expires_at:Nullable(DateTime64(9, 'UTC'))}, {is_frozen:UInt8}, {hide:Array(String)}, {hide_roles:Array(String)},
    now64(9, 'UTC'), 0
