-- How many granules of turns may have some words, by the index: of a word that few turns have, few.
EXPLAIN ESTIMATE
SELECT 1
FROM _session_turns
WHERE Project = {project:String} AND WORDS
