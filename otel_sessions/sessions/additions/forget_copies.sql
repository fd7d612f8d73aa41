-- The copies that the frozen links to a session have, or one of them.
DELETE FROM {table:Identifier}
WHERE Project = {project:String} AND SessionId = {session_id:String}
    AND ({token_hash:String} = '' OR TokenHash = {token_hash:String})
