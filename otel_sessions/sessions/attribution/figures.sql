-- Puts the figures of the corrections of one number among the turns, where nobody reads them until they are in force.
INSERT INTO _session_turns
(
    Project, SessionId, TraceId, Correction, Week, ReceivedAt, Minute, Rows, SpanCount, ErrorCount, FirstStart, LastEnd, NamePick, UserPick,
    EnvironmentPick, InputPick, OutputPick, ErrorPick, UserIds, ServiceNames, Environments, Models, Tags, Tools, Agents,
    InputTokens, OutputTokens, TotalTokens, CachedInputTokens, CacheCreationInputTokens, ReasoningTokens, Cost, ModelCalls,
    UnpricedCalls, ToolCalls, Metadata
)
SETTINGS parallel_distributed_insert_select = 0
SELECT
    c.Project, c.SessionId, c.TraceId, c.Correction, toMonday(c.CorrectedAt, 'UTC') AS Week, c.CorrectedAt AS ReceivedAt,
    `Minutes.Minute`, `Minutes.Rows`, `Minutes.SpanCount`, `Minutes.ErrorCount`, `Minutes.FirstStart`, `Minutes.LastEnd`,
    `Minutes.NamePick`, `Minutes.UserPick`, `Minutes.EnvironmentPick`, `Minutes.InputPick`, `Minutes.OutputPick`,
    `Minutes.ErrorPick`, `Minutes.UserIds`, `Minutes.ServiceNames`, `Minutes.Environments`, `Minutes.Models`,
    `Minutes.Tags`, `Minutes.Tools`, `Minutes.Agents`, `Minutes.InputTokens`, `Minutes.OutputTokens`,
    `Minutes.TotalTokens`, `Minutes.CachedInputTokens`, `Minutes.CacheCreationInputTokens`, `Minutes.ReasoningTokens`,
    `Minutes.Cost`, `Minutes.ModelCalls`, `Minutes.UnpricedCalls`, `Minutes.ToolCalls`, `Minutes.Metadata`
FROM _corrections AS c
ARRAY JOIN Minutes
WHERE c.Correction = {correction:UInt64}
    AND (c.Project, c.TraceId) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin({traces:Array(Tuple(String, String))}) AS pair))
