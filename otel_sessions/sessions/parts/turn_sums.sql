        sum(m.ErrorCount) AS ErrorCount, sum(m.InputTokens) AS InputTokens, sum(m.OutputTokens) AS OutputTokens,
        sum(m.CachedInputTokens) AS CachedInputTokens, sum(m.CacheCreationInputTokens) AS CacheCreationInputTokens,
        sum(m.ReasoningTokens) AS ReasoningTokens, sum(m.TotalTokens) AS TotalTokens, sum(m.Cost) AS Cost
