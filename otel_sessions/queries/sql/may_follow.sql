-- One of the sessions that may go on from this one. As a subcolumn a value of a map would not be found by its index.
SELECT SessionId FROM _session_turns
WHERE Project = {project:String} AND substring(Metadata['session.previous_id'], 9) = {session_id:String}
    AND SessionId != {session_id:String}
LIMIT 1
SETTINGS optimize_functions_to_subcolumns = 0
