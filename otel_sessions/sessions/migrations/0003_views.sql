-- What users read. Every figure is a function of the set of spans: arrays are sorted, ties are broken by text, costs are
-- added as decimals. A condition on Project and SessionId reaches the sort keys below; one on Minute reaches the weeks.
--
-- What clients say of a trace apart from its spans arrives as a span of the name `otel_sessions.trace_update`. Its claim
-- is one like any other; it adds user, tags, environment, metadata, names and previews, and counts nowhere.

-- Where rows are as many as turns they are grouped by the project as plain text: a LowCardinality among the keys takes a quarter
-- to a third of such a view, and the index of keys knows the text too.

-- The figures in force of each minute of each trace of each session: the sums, but of traces in doubt the corrections, which
-- lie in the same table. Pairs of a session and a trace are told apart by a hash: to read their ids and to join by them takes two
-- thirds of the time of a sum over all. It has 128 bits, as two pairs with one hash would hide figures. What was summed of a pair
-- counts unless the pair is corrected, and of a correction the one in force: both are asked of one set, in which each pair stands
-- twice, plain and with the number of its correction added to it.
CREATE OR REPLACE VIEW _turn_minutes AS
SELECT
    m.Project AS Project, m.SessionId AS SessionId, m.TraceId AS TraceId, m.Minute AS Minute,
    m.Rows AS Rows, m.SpanCount AS SpanCount, m.ErrorCount AS ErrorCount, m.FirstStart AS FirstStart, m.LastEnd AS
    LastEnd, m.NamePick AS NamePick, m.UserPick AS UserPick, m.EnvironmentPick AS EnvironmentPick, m.InputPick AS
    InputPick, m.OutputPick AS OutputPick, m.ErrorPick AS ErrorPick, m.UserIds AS UserIds, m.ServiceNames AS
    ServiceNames, m.Environments AS Environments, m.Models AS Models, m.Tags AS Tags, m.Tools AS Tools, m.Agents AS
    Agents, m.InputTokens AS InputTokens, m.OutputTokens AS OutputTokens, m.TotalTokens AS TotalTokens,
    m.CachedInputTokens AS CachedInputTokens, m.CacheCreationInputTokens AS CacheCreationInputTokens,
    m.ReasoningTokens AS ReasoningTokens, m.Cost AS Cost, m.ModelCalls AS ModelCalls, m.UnpricedCalls AS
    UnpricedCalls, m.ToolCalls AS ToolCalls, m.Metadata AS Metadata
FROM _session_turns AS m
PREWHERE (m.Correction = 0) != (bitXor(m.Pair, toUInt128(m.Correction)) IN (
    SELECT arrayJoin([Pair, bitXor(Pair, toUInt128(Correction))]) FROM _corrected_turns FINAL))
COMMENT 'Internal: the figures in force of each minute of each trace of each session';

-- Spans whose times make no sense count, but do not stretch a session that has others. What looks at turns, the first
-- input and the like, takes the traces of the session in arrays, for those who ask for it. The k-th gap is from the k-th
-- end to the next start, which is one if it is positive: then so many turns have ended as have started.
CREATE OR REPLACE VIEW sessions
(
    Project LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise',
    SessionId String COMMENT 'id of the session',
    StartTime DateTime64(9, 'UTC') COMMENT 'start of the first span, UTC',
    EndTime DateTime64(9, 'UTC') COMMENT 'end of the last span, UTC',
    Duration UInt64 COMMENT 'ns from the start of the first span to the end of the last',
    TraceCount UInt64 COMMENT 'traces, which are the turns',
    SpanCount UInt64 COMMENT 'spans, each once',
    ErrorCount UInt64 COMMENT 'spans of status Error',
    UserIds Array(String) COMMENT 'users named, sorted',
    ServiceNames Array(String) COMMENT 'services, sorted',
    Environments Array(String) COMMENT 'deployment environments, sorted',
    Models Array(String) COMMENT 'models, sorted',
    Tags Array(String) COMMENT 'tags, sorted',
    InputTokens UInt64 COMMENT 'tokens in, of model calls',
    OutputTokens UInt64 COMMENT 'tokens out, of model calls',
    CachedInputTokens UInt64 COMMENT 'tokens of the input that came from a cache',
    CacheCreationInputTokens UInt64 COMMENT 'tokens of the input that were written to a cache',
    ReasoningTokens UInt64 COMMENT 'tokens of the output that were reasoning',
    TotalTokens UInt64 COMMENT 'tokens of model calls together',
    Cost Float64 COMMENT 'USD, of model calls',
    ModelCalls UInt64 COMMENT 'model calls',
    UnpricedCalls UInt64 COMMENT 'model calls with tokens and neither a stated cost nor a price',
    ToolCalls UInt64 COMMENT 'tool calls',
    Input String COMMENT 'beginning of the input of the first turn that has one',
    Output String COMMENT 'beginning of the output of the last turn that has one',
    LastError String COMMENT 'message of the span of status Error that ended last, or empty',
    LongestGap UInt64 COMMENT 'ns, the longest time without a turn between two turns',
    Metadata Map(String, String) COMMENT 'the last value of each key'
)
AS
${../parts/sessions_of_minutes}
COMMENT 'One row a session, with its figures';

-- A session's turns. What the latest update says comes before what spans say; then what the client set for the trace, else
-- the root's, else the first span's.
CREATE OR REPLACE VIEW session_traces
(
    Project LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise',
    SessionId String COMMENT 'id of the session',
    TraceId String COMMENT 'trace, 32 hex digits',
    Name String COMMENT 'name that the client gave the trace, else that of its root',
    StartTime DateTime64(9, 'UTC') COMMENT 'start of the first span, UTC',
    EndTime DateTime64(9, 'UTC') COMMENT 'end of the last span, UTC',
    Duration UInt64 COMMENT 'ns from the start of the first span to the end of the last',
    UserId String COMMENT 'user of the turn, or empty',
    Environment String COMMENT 'deployment environment of the turn, or empty',
    Tags Array(String) COMMENT 'tags, sorted',
    SpanCount UInt64 COMMENT 'spans, each once',
    ErrorCount UInt64 COMMENT 'spans of status Error',
    LastError String COMMENT 'message of the span of status Error that ended last, or empty',
    Input String COMMENT 'beginning of the input of the turn',
    Output String COMMENT 'beginning of the output of the turn',
    Models Array(String) COMMENT 'models, sorted',
    InputTokens UInt64 COMMENT 'tokens in, of model calls',
    OutputTokens UInt64 COMMENT 'tokens out, of model calls',
    CachedInputTokens UInt64 COMMENT 'tokens of the input that came from a cache',
    CacheCreationInputTokens UInt64 COMMENT 'tokens of the input that were written to a cache',
    ReasoningTokens UInt64 COMMENT 'tokens of the output that were reasoning',
    TotalTokens UInt64 COMMENT 'tokens of model calls together',
    Cost Float64 COMMENT 'USD, of model calls',
    ModelCalls UInt64 COMMENT 'model calls',
    UnpricedCalls UInt64 COMMENT 'model calls with tokens and neither a stated cost nor a price',
    ToolCalls UInt64 COMMENT 'tool calls',
    Metadata Map(String, String) COMMENT 'the last value of each key'
)
AS
${../parts/traces_of_minutes}
COMMENT 'One row a trace of a session: its turns';

-- The minute of a span is that of its start.
CREATE OR REPLACE VIEW session_timeline
(
    Project LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise',
    SessionId String COMMENT 'id of the session',
    Minute DateTime64(9, 'UTC') COMMENT 'minute in which spans of the session started, UTC',
    TraceCount UInt64 COMMENT 'traces, which are the turns',
    SpanCount UInt64 COMMENT 'spans, each once',
    ErrorCount UInt64 COMMENT 'spans of status Error',
    InputTokens UInt64 COMMENT 'tokens in, of model calls',
    OutputTokens UInt64 COMMENT 'tokens out, of model calls',
    TotalTokens UInt64 COMMENT 'tokens of model calls together',
    Cost Float64 COMMENT 'USD, of model calls'
)
AS
${../parts/timeline_of_minutes}
COMMENT 'One row a session and minute';

-- Users by the user of each turn.
CREATE OR REPLACE VIEW session_users
(
    Project LowCardinality(String) COMMENT 'whose session; default unless credentials say otherwise',
    UserId String COMMENT 'user',
    FirstSeen DateTime64(9, 'UTC') COMMENT 'start of the first turn, UTC',
    LastSeen DateTime64(9, 'UTC') COMMENT 'end of the last turn, UTC',
    SessionCount UInt64 COMMENT 'sessions with turns of this user',
    TraceCount UInt64 COMMENT 'traces, each once',
    ErrorCount UInt64 COMMENT 'spans of status Error',
    InputTokens UInt64 COMMENT 'tokens in, of model calls',
    OutputTokens UInt64 COMMENT 'tokens out, of model calls',
    CachedInputTokens UInt64 COMMENT 'tokens of the input that came from a cache',
    CacheCreationInputTokens UInt64 COMMENT 'tokens of the input that were written to a cache',
    ReasoningTokens UInt64 COMMENT 'tokens of the output that were reasoning',
    TotalTokens UInt64 COMMENT 'tokens of model calls together',
    Cost Float64 COMMENT 'USD, of model calls'
)
AS
SELECT
    t.Project AS Project,
${../parts/user_columns}
FROM
(
    SELECT
${../parts/user_turn_columns}
    FROM _turn_minutes AS m
    GROUP BY Project, SessionId, TraceId
    HAVING sum(m.SpanCount) > 0 AND UserId != ''
) AS t
GROUP BY Project, UserId
COMMENT 'One row a user, by the user of each turn';

-- The spans of each session, whole, each once. Of traces in doubt they lie in _corrected_spans, where the corrections say
-- which belong to the session. The columns are named, so that a later migration may add one to each table in turn.
CREATE OR REPLACE VIEW session_spans
(
    SessionId String COMMENT 'session that the span belongs to',
    SessionSource LowCardinality(String) COMMENT 'where its session comes from: its own claim on the span or on its resource, else its trace',
    Timestamp DateTime64(9) COMMENT 'start of the span, UTC, at most 2262-04-11',
    TraceId String COMMENT '32 lower-case hex digits',
    SpanId String COMMENT '16 lower-case hex digits',
    ParentSpanId String COMMENT '16 lower-case hex digits, or empty',
    TraceState String COMMENT 'W3C trace state',
    SpanName LowCardinality(String) COMMENT 'what the client calls the operation',
    SpanKind LowCardinality(String) COMMENT 'Unspecified, Internal, Server, Client, Producer or Consumer',
    ServiceName LowCardinality(String) COMMENT 'service.name of the resource, or empty',
    ResourceAttributes Map(LowCardinality(String), String) COMMENT 'attributes of the resource, values as text',
    ScopeName String COMMENT 'instrumentation scope',
    ScopeVersion String COMMENT 'version of the scope',
    SpanAttributes Map(LowCardinality(String), String) COMMENT 'attributes of the span, values as text',
    Duration UInt64 COMMENT 'ns; 0 where the end is before the start',
    StatusCode LowCardinality(String) COMMENT 'Unset, Ok or Error',
    StatusMessage String COMMENT 'what the client says of the status',
    `Events.Timestamp` Array(DateTime64(9)) COMMENT 'when each event was, UTC',
    `Events.Name` Array(LowCardinality(String)) COMMENT 'names of the events',
    `Events.Attributes` Array(Map(LowCardinality(String), String)) COMMENT 'attributes of each event',
    `Links.TraceId` Array(String) COMMENT 'traces of the linked spans',
    `Links.SpanId` Array(String) COMMENT 'ids of the linked spans',
    `Links.TraceState` Array(String) COMMENT 'trace states of the links',
    `Links.Attributes` Array(Map(LowCardinality(String), String)) COMMENT 'attributes of each link',
    Flags UInt32 COMMENT 'flags of OTLP, the lowest byte those of W3C',
    ResourceSchemaUrl LowCardinality(String) COMMENT 'schema of the resource',
    ResourceDroppedAttributesCount UInt32 COMMENT 'attributes of the resource that were dropped',
    ScopeAttributes Map(LowCardinality(String), String) COMMENT 'attributes of the scope',
    ScopeSchemaUrl LowCardinality(String) COMMENT 'schema of the scope',
    ScopeDroppedAttributesCount UInt32 COMMENT 'attributes of the scope that were dropped',
    DroppedAttributesCount UInt32 COMMENT 'attributes of the span that were dropped',
    `Events.DroppedAttributesCount` Array(UInt32) COMMENT 'attributes dropped of each event',
    DroppedEventsCount UInt32 COMMENT 'events that were dropped',
    `Links.DroppedAttributesCount` Array(UInt32) COMMENT 'attributes dropped of each link',
    `Links.Flags` Array(UInt32) COMMENT 'flags of each link',
    DroppedLinksCount UInt32 COMMENT 'links that were dropped',
    StartTimeUnixNano UInt64 COMMENT 'start as on the wire, ns since 1970',
    EndTimeUnixNano UInt64 COMMENT 'end as on the wire, ns since 1970',
    Project LowCardinality(String) COMMENT 'whose span it is; default unless credentials say otherwise',
    IsRoot UInt8 COMMENT '1 for a span without parent id, or marked as the root of its application',
    ClaimLevel UInt8 COMMENT 'level of its own claim, 1 to 4; 9 for none',
    ClaimId String COMMENT 'session id that the span itself claims, or empty',
    ClaimKey LowCardinality(String) COMMENT 'attribute key that the claim came from',
    UserId String COMMENT 'user that the span names',
    Environment LowCardinality(String) COMMENT 'deployment environment that the span or its resource names',
    TraceName LowCardinality(String) COMMENT 'name that the client gave the trace',
    Tags Array(String) COMMENT 'tags of the trace that the span names',
    Metadata Map(LowCardinality(String), String) COMMENT 'what the client told of the trace or the run, beyond all that has a column',
    StepKind LowCardinality(String) COMMENT 'model, embedding, tool, agent, retrieval, guardrail, evaluation, chain or other',
    StepName LowCardinality(String) COMMENT 'the model of a call or embedding, the tool, the agent, else the name of the span',
    AgentName LowCardinality(String) COMMENT 'agent that the span names',
    ResponseId String COMMENT 'id of the answer of the model',
    PreviousResponseId String COMMENT 'id of the answer that this one goes on from',
    IsModelCall UInt8 COMMENT '1 where a model was called, whose tokens and cost count',
    IsToolCall UInt8 COMMENT '1 where a tool was called',
    IsUnpriced UInt8 COMMENT '1 for a model call with tokens, and neither a stated cost nor a price',
    Model LowCardinality(String) COMMENT 'model that answered',
    InputTokens UInt64 COMMENT 'tokens in, cached ones included; of model calls only',
    OutputTokens UInt64 COMMENT 'tokens out, reasoning included; of model calls only',
    TotalTokens UInt64 COMMENT 'tokens of the call together',
    CachedInputTokens UInt64 COMMENT 'part of the input that came from a cache',
    CacheCreationInputTokens UInt64 COMMENT 'part of the input that was written to a cache',
    ReasoningTokens UInt64 COMMENT 'part of the output that was reasoning',
    Cost Decimal(38, 12) COMMENT 'USD',
    CostSource LowCardinality(String) COMMENT 'attribute where the span states it, prices by the price table, or empty',
    Input String COMMENT 'beginning of what went in',
    Output String COMMENT 'beginning of what came out',
    TraceInput String COMMENT 'beginning of the input that the client set for the trace',
    TraceOutput String COMMENT 'beginning of the output that the client set for the trace'
)
AS
SELECT
    s.SessionHint AS SessionId,
${../parts/session_source}
    AS SessionSource,
    s.Timestamp AS Timestamp, s.TraceId AS TraceId, s.SpanId AS SpanId, s.ParentSpanId AS ParentSpanId, s.TraceState
    AS TraceState, s.SpanName AS SpanName, s.SpanKind AS SpanKind, s.ServiceName AS ServiceName, s.ResourceAttributes
    AS ResourceAttributes, s.ScopeName AS ScopeName, s.ScopeVersion AS ScopeVersion, s.SpanAttributes AS
    SpanAttributes, s.Duration AS Duration, s.StatusCode AS StatusCode, s.StatusMessage AS StatusMessage,
    s.`Events.Timestamp` AS `Events.Timestamp`, s.`Events.Name` AS `Events.Name`, s.`Events.Attributes` AS
    `Events.Attributes`, s.`Links.TraceId` AS `Links.TraceId`, s.`Links.SpanId` AS `Links.SpanId`,
    s.`Links.TraceState` AS `Links.TraceState`, s.`Links.Attributes` AS `Links.Attributes`, s.Flags AS Flags,
    s.ResourceSchemaUrl AS ResourceSchemaUrl, s.ResourceDroppedAttributesCount AS ResourceDroppedAttributesCount,
    s.ScopeAttributes AS ScopeAttributes, s.ScopeSchemaUrl AS ScopeSchemaUrl, s.ScopeDroppedAttributesCount AS
    ScopeDroppedAttributesCount, s.DroppedAttributesCount AS DroppedAttributesCount, s.`Events.DroppedAttributesCount`
    AS `Events.DroppedAttributesCount`, s.DroppedEventsCount AS DroppedEventsCount, s.`Links.DroppedAttributesCount`
    AS `Links.DroppedAttributesCount`, s.`Links.Flags` AS `Links.Flags`, s.DroppedLinksCount AS DroppedLinksCount,
    s.StartTimeUnixNano AS StartTimeUnixNano, s.EndTimeUnixNano AS EndTimeUnixNano, s.Project AS Project, s.IsRoot AS
    IsRoot, s.ClaimLevel AS ClaimLevel, s.ClaimId AS ClaimId, s.ClaimKey AS ClaimKey, s.UserId AS UserId,
    s.Environment AS Environment, s.TraceName AS TraceName, s.Tags AS Tags, s.Metadata AS Metadata, s.StepKind AS
    StepKind, s.StepName AS StepName, s.AgentName AS AgentName, s.ResponseId AS ResponseId, s.PreviousResponseId AS
    PreviousResponseId, s.IsModelCall AS IsModelCall, s.IsToolCall AS IsToolCall, s.IsUnpriced AS IsUnpriced, s.Model
    AS Model, s.InputTokens AS InputTokens, s.OutputTokens AS OutputTokens, s.TotalTokens AS TotalTokens,
    s.CachedInputTokens AS CachedInputTokens, s.CacheCreationInputTokens AS CacheCreationInputTokens,
    s.ReasoningTokens AS ReasoningTokens, s.Cost AS Cost, s.CostSource AS CostSource, s.Input AS Input, s.Output AS
    Output, s.TraceInput AS TraceInput, s.TraceOutput AS TraceOutput
FROM otel_traces AS s
LEFT ANTI JOIN _corrected_turns AS c ON c.Project = s.Project AND c.SessionId = s.SessionHint AND c.TraceId = s.TraceId
WHERE s.SessionHint != '' AND s.SpanName != 'otel_sessions.trace_update'
UNION ALL
SELECT
    s.SessionHint AS SessionId,
${../parts/session_source}
    AS SessionSource,
    s.Timestamp AS Timestamp, s.TraceId AS TraceId, s.SpanId AS SpanId, s.ParentSpanId AS ParentSpanId, s.TraceState
    AS TraceState, s.SpanName AS SpanName, s.SpanKind AS SpanKind, s.ServiceName AS ServiceName, s.ResourceAttributes
    AS ResourceAttributes, s.ScopeName AS ScopeName, s.ScopeVersion AS ScopeVersion, s.SpanAttributes AS
    SpanAttributes, s.Duration AS Duration, s.StatusCode AS StatusCode, s.StatusMessage AS StatusMessage,
    s.`Events.Timestamp` AS `Events.Timestamp`, s.`Events.Name` AS `Events.Name`, s.`Events.Attributes` AS
    `Events.Attributes`, s.`Links.TraceId` AS `Links.TraceId`, s.`Links.SpanId` AS `Links.SpanId`,
    s.`Links.TraceState` AS `Links.TraceState`, s.`Links.Attributes` AS `Links.Attributes`, s.Flags AS Flags,
    s.ResourceSchemaUrl AS ResourceSchemaUrl, s.ResourceDroppedAttributesCount AS ResourceDroppedAttributesCount,
    s.ScopeAttributes AS ScopeAttributes, s.ScopeSchemaUrl AS ScopeSchemaUrl, s.ScopeDroppedAttributesCount AS
    ScopeDroppedAttributesCount, s.DroppedAttributesCount AS DroppedAttributesCount, s.`Events.DroppedAttributesCount`
    AS `Events.DroppedAttributesCount`, s.DroppedEventsCount AS DroppedEventsCount, s.`Links.DroppedAttributesCount`
    AS `Links.DroppedAttributesCount`, s.`Links.Flags` AS `Links.Flags`, s.DroppedLinksCount AS DroppedLinksCount,
    s.StartTimeUnixNano AS StartTimeUnixNano, s.EndTimeUnixNano AS EndTimeUnixNano, s.Project AS Project, s.IsRoot AS
    IsRoot, s.ClaimLevel AS ClaimLevel, s.ClaimId AS ClaimId, s.ClaimKey AS ClaimKey, s.UserId AS UserId,
    s.Environment AS Environment, s.TraceName AS TraceName, s.Tags AS Tags, s.Metadata AS Metadata, s.StepKind AS
    StepKind, s.StepName AS StepName, s.AgentName AS AgentName, s.ResponseId AS ResponseId, s.PreviousResponseId AS
    PreviousResponseId, s.IsModelCall AS IsModelCall, s.IsToolCall AS IsToolCall, s.IsUnpriced AS IsUnpriced, s.Model
    AS Model, s.InputTokens AS InputTokens, s.OutputTokens AS OutputTokens, s.TotalTokens AS TotalTokens,
    s.CachedInputTokens AS CachedInputTokens, s.CacheCreationInputTokens AS CacheCreationInputTokens,
    s.ReasoningTokens AS ReasoningTokens, s.Cost AS Cost, s.CostSource AS CostSource, s.Input AS Input, s.Output AS
    Output, s.TraceInput AS TraceInput, s.TraceOutput AS TraceOutput
FROM (SELECT *, StartTimeUnixNano, EndTimeUnixNano, Input, Output FROM _corrected_spans FINAL) AS s
INNER JOIN
(
    SELECT Project, SessionId, TraceId, SpanId
    FROM _corrected_turns FINAL
    ARRAY JOIN Members AS SpanId
) AS c ON c.Project = s.Project AND c.SessionId = s.SessionHint AND c.TraceId = s.TraceId AND c.SpanId = s.SpanId
WHERE s.SpanName != 'otel_sessions.trace_update'
COMMENT 'The spans of each session, each once';

-- The times of a trace, as Grafana's and HyperDX's trace views look them up; nanoseconds kept.
CREATE OR REPLACE VIEW otel_traces_trace_id_ts
(
    TraceId String COMMENT '32 lower-case hex digits',
    Start DateTime64(9) COMMENT 'start of the first span, UTC',
    End DateTime64(9) COMMENT 'start of the last span, UTC'
)
AS
SELECT TraceId, min(t.Start) AS Start, max(t.End) AS End
FROM _trace_claims AS t
GROUP BY TraceId
HAVING sum(t.Rows) > 0
COMMENT 'The times of each trace, for trace views';
