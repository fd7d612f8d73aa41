-- The copies that the frozen links to a session have.
DELETE FROM {table:Identifier} WHERE Project = {project:String} AND SessionId = {session_id:String}
