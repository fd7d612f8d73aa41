-- One of the sessions that may go on from this one, or itself: to leave that out here would take half of the statement, as
-- the order of the table knows little of what an id is not. As a subcolumn a value of a map would not be found by its index.
SELECT SessionId FROM _session_turns
WHERE Project = {project:String} AND substring(Metadata['session.previous_id'], 9) = {session_id:String}
LIMIT 1
SETTINGS optimize_functions_to_subcolumns = 0
