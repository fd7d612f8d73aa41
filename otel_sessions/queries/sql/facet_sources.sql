-- column
SELECT SessionId, toString(arrayJoin(COLUMN)) AS Value FROM sessions WHERE Project = {project:String}
    AND CONDITION

-- tool
SELECT SessionId, arrayJoin(Tools) AS Value FROM _turn_minutes WHERE Project = {project:String}
    AND SessionId IN (SELECT SessionId FROM sessions WHERE Project = {project:String} AND CONDITION)

-- agent
SELECT SessionId, arrayJoin(Agents) AS Value FROM _turn_minutes WHERE Project = {project:String}
    AND SessionId IN (SELECT SessionId FROM sessions WHERE Project = {project:String} AND CONDITION)

-- label
SELECT SessionId, Label AS Value FROM _labels WHERE Project = {project:String}
    AND SessionId IN (SELECT SessionId FROM sessions WHERE Project = {project:String} AND CONDITION)

-- metadata
SELECT SessionId, Metadata[{key:String}] AS Value FROM sessions
WHERE Project = {project:String} AND mapContains(Metadata, {key:String})
    AND CONDITION

-- attr
SELECT SessionId, arrayJoin(arrayFilter(v -> v.1,
    [(mapContains(SpanAttributes, {key:String}), SpanAttributes[{key:String}]),
     (mapContains(ResourceAttributes, {key:String}), ResourceAttributes[{key:String}])])).2 AS Value
FROM session_spans
WHERE Project = {project:String}
    AND SessionId IN (SELECT SessionId FROM sessions WHERE Project = {project:String} AND CONDITION)

-- score
SELECT SessionId, multiIf(
    DataType = 'NUMERIC', toString(x.Value), DataType = 'BOOLEAN', if(x.Value = 0, 'false', 'true'), StringValue) AS Value
FROM session_scores AS x
WHERE Project = {project:String} AND Name = {key:String}
    AND SessionId IN (SELECT SessionId FROM sessions WHERE Project = {project:String} AND CONDITION)
