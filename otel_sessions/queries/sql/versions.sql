-- How many of the chosen sessions have each prompt, and each definition of a tool, whatever library tells it and in which
-- place of its list the tool stands; OpenInference numbers them from 0. CONDITION is a text of ours.
SELECT Told.1 AS Field, Told.2 AS Value, uniqExact(SessionId) AS Count
FROM
(
    SELECT
        SessionId,
        arrayJoin(arrayDistinct(arrayConcat(
            arrayMap(key -> (concat('attr.', key), SpanAttributes[key]),
                arrayFilter(key -> mapContains(SpanAttributes, key), {keys:Array(String)})),
            arrayMap(text -> ('tool definition', if(startsWith(text, '"'), JSONExtractString(text), text)), arrayConcat(
                JSONExtractArrayRaw(SpanAttributes['gen_ai.tool.definitions']),
                JSONExtractArrayRaw(SpanAttributes['ai.prompt.tools']),
                mapValues(mapFilter(
                    (key, _) -> match(key, '^llm[.]tools[.][0-9]+[.]tool[.]json_schema$'), SpanAttributes))))))) AS Told
    FROM session_spans
    WHERE Project = {project:String}
        AND hasAny(mapKeys(SpanAttributes), arrayConcat({keys:Array(String)},
            ['gen_ai.tool.definitions', 'ai.prompt.tools', 'llm.tools.0.tool.json_schema']))
        AND SessionId IN (SELECT SessionId FROM sessions WHERE Project = {project:String} AND CONDITION)
)
GROUP BY Field, Value
ORDER BY Count DESC, Field, Value
LIMIT {limit:UInt32} BY Field
