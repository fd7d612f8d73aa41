-- How many of the chosen sessions have each value; SOURCE gives pairs of them, and the texts in capitals are ours.
SELECT Value, uniqExact(SessionId) AS Count
FROM
(
    SOURCE
)
WHERE SessionId IN (SELECT SessionId FROM sessions WHERE Project = {project:String} AND CONDITION)
GROUP BY Value
ORDER BY Count DESC, Value
LIMIT {limit:UInt32}
