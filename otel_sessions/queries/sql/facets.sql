-- How many of the chosen sessions have each value; SOURCE, a text of ours, gives pairs of them, and COUNTED counts sessions.
SELECT Value, COUNTED AS Count
FROM
(
    SOURCE
)
GROUP BY Value
ORDER BY Count DESC, Value
LIMIT {limit:UInt32}
