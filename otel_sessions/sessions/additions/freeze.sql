-- Copies what a view has of a session now for a link of its own, until this expires.
INSERT INTO {into:Identifier}
SELECT {token_hash:String}, toDateTime({expires_at:DateTime64(9, 'UTC')}, 'UTC'), *
FROM {source:Identifier}
WHERE Project = {project:String} AND SessionId = {session_id:String}
