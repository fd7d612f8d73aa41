-- How many granules of turns there are, of all projects; none where they are in other servers.
SELECT sum(marks) AS marks
FROM system.parts
WHERE database = currentDatabase() AND table = '_session_turns' AND active
