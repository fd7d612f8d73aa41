-- One of the sessions that may go on from this one. As a subcolumn a value of a map would not be found by its index.
SELECT SessionId
FROM
(
${naming_previous}
)
WHERE SessionId != {session_id:String}
LIMIT 1
SETTINGS optimize_functions_to_subcolumns = 0
