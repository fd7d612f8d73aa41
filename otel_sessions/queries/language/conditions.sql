-- The terms of the language as conditions over the view `sessions`, one below each name. COLUMN stands for the field's
-- column, HAS_KEY and the like for what `sql.py` says of it; every value is a parameter, which it numbers.

-- nothing
0

-- id.exact
SessionId IN {values:Array(String)}

-- id.pattern
match(SessionId, {pattern:String})

-- texts.exact
hasAny(COLUMN, {values:Array(String)})

-- texts.pattern
arrayExists(v -> match(v, {pattern:String}), COLUMN)

-- tool.exact
SessionId IN (
    SELECT SessionId FROM _turn_minutes WHERE Project = {project:String} AND hasAny(Tools, {values:Array(String)}))

-- tool.pattern
SessionId IN (
    SELECT SessionId FROM _turn_minutes
    WHERE Project = {project:String} AND arrayExists(v -> match(v, {pattern:String}), Tools))

-- agent.exact
SessionId IN (
    SELECT SessionId FROM _turn_minutes WHERE Project = {project:String} AND hasAny(Agents, {values:Array(String)}))

-- agent.pattern
SessionId IN (
    SELECT SessionId FROM _turn_minutes
    WHERE Project = {project:String} AND arrayExists(v -> match(v, {pattern:String}), Agents))

-- label.exact
SessionId IN (
    SELECT SessionId FROM _labels WHERE Project = {project:String} AND Label IN {values:Array(String)})

-- label.pattern
SessionId IN (
    SELECT SessionId FROM _labels WHERE Project = {project:String} AND match(Label, {pattern:String}))

-- metadata.exact
HAS_KEY AND VALUE_OF_KEY IN {values:Array(String)}

-- metadata.exact.sieve
arrayExists(bits -> bitAnd(MetadataSieve, bits) = bits, arrayMap(
    (key, value) ->
${../../sessions/parts/metadata_bits}
    , arrayWithConstant(length({values:Array(String)}), {key:String}), {values:Array(String)}))

-- metadata.exact.bounds
SessionId IN (
    SELECT SessionId FROM _session_turns
    WHERE Project = {project:String} AND substring(Metadata[{key:String}], 9) IN {values:Array(String)})

-- metadata.pattern
HAS_KEY AND match(VALUE_OF_KEY, {pattern:String})

-- metadata.float
match(VALUE_OF_KEY, {number:String})
AND toFloat64OrZero(VALUE_OF_KEY) BETWEEN {low:Float64} AND {high:Float64}

-- metadata.corrected
SessionId IN (SELECT SessionId FROM _corrections WHERE Project = {project:String})

-- metadata.unknown
VALUE_OF_KEY = unhex('FF')

-- has.metadata.unknown
max(arrayExists(stamped -> substring(stamped, 9) = unhex('FF'), mapValues(Metadata)))

-- attr.exact
SessionId IN (
    SELECT SessionId FROM session_spans
    WHERE Project = {project:String}
        AND (mapContains(SpanAttributes, {key:String}) AND SpanAttributes[{key:String}] IN {values:Array(String)}
            OR mapContains(ResourceAttributes, {key:String})
                AND ResourceAttributes[{key:String}] IN {values:Array(String)}))

-- attr.pattern
SessionId IN (
    SELECT SessionId FROM session_spans
    WHERE Project = {project:String}
        AND (mapContains(SpanAttributes, {key:String}) AND match(SpanAttributes[{key:String}], {pattern:String})
            OR mapContains(ResourceAttributes, {key:String})
                AND match(ResourceAttributes[{key:String}], {pattern:String})))

-- attr.float
SessionId IN (
    SELECT SessionId FROM session_spans
    WHERE Project = {project:String}
        AND (match(SpanAttributes[{key:String}], {number:String})
                AND toFloat64OrZero(SpanAttributes[{key:String}]) BETWEEN {low:Float64} AND {high:Float64}
            OR match(ResourceAttributes[{key:String}], {number:String})
                AND toFloat64OrZero(ResourceAttributes[{key:String}]) BETWEEN {low:Float64} AND {high:Float64}))

-- score.exact
SessionId IN (
    SELECT SessionId FROM session_scores
    WHERE Project = {project:String} AND Name = {key:String}
        AND multiIf(
            DataType = 'NUMERIC', Value IN {numbers:Array(Float64)},
            DataType = 'BOOLEAN',
                if(Value = 0, 'false', 'true') IN {values:Array(String)} OR Value IN {numbers:Array(Float64)},
            StringValue IN {values:Array(String)}))

-- score.pattern
SessionId IN (
    SELECT SessionId FROM session_scores
    WHERE Project = {project:String} AND Name = {key:String}
        AND multiIf(
            DataType = 'NUMERIC', match('', {pattern:String}),
            DataType = 'BOOLEAN', match(if(Value = 0, 'false', 'true'), {pattern:String}),
            match(StringValue, {pattern:String})))

-- score.float
SessionId IN (
    SELECT SessionId FROM session_scores
    WHERE Project = {project:String} AND Name = {key:String} AND DataType IN ('NUMERIC', 'BOOLEAN')
        AND Value BETWEEN {low:Float64} AND {high:Float64})

-- count
COLUMN BETWEEN {low:UInt64} AND {high:UInt64}

-- float
COLUMN BETWEEN {low:Float64} AND {high:Float64}

-- time
toUnixTimestamp64Nano(COLUMN) BETWEEN {low:Int64} AND {high:Int64}

-- words
match(SessionId, {pattern:String})
OR arrayExists(v -> match(v, {anywhere:String}) AND match(v, {pattern:String}), UserIds)
OR SessionId IN (
    SELECT SessionId FROM session_traces
    WHERE Project = {project:String}
        AND ((positionCaseInsensitiveUTF8(Input, {sought:String}) > 0 OR {other:String} != '' AND match(Input, {other:String}))
                AND match(Input, {pattern:String})
            OR (positionCaseInsensitiveUTF8(Output, {sought:String}) > 0 OR {other:String} != '' AND match(Output, {other:String}))
                AND match(Output, {pattern:String})))

-- words.token
hasToken(
${../../sessions/parts/words_of_turn}
    , {token:String})

-- words.turns
SELECT NAMES FROM _session_turns
PREWHERE LETTERS
WHERE Project = {project:String}
    AND TOKENS
    AND (match(substring(InputPick, 10), {anywhere:String})
        OR match(substring(OutputPick, 10), {anywhere:String}))

-- words.named
SELECT SessionId, '' AS TraceId
FROM _session_activity
WHERE Project = {project:String}
    AND (match(SessionId, {anywhere:String}) OR arrayExists(v -> match(v, {anywhere:String}), UserIds))
UNION ALL
SELECT SessionId, '' AS TraceId
FROM _corrections
WHERE Project = {project:String}
    AND (match(SessionId, {anywhere:String})
        OR arrayExists(v -> match(v, {anywhere:String}), arrayFlatten(`Minutes.UserIds`)))

-- words.letters.ascii
positionCaseInsensitive(InputPick, {sought:String}) > 0 OR positionCaseInsensitive(OutputPick, {sought:String}) > 0
OR {other:String} != '' AND match(concat(substring(InputPick, 10), substring(OutputPick, 10)), {other:String})

-- words.letters.any
positionCaseInsensitiveUTF8(substring(InputPick, 10), {sought:String}) > 0
OR positionCaseInsensitiveUTF8(substring(OutputPick, 10), {sought:String}) > 0
OR {other:String} != '' AND match(concat(substring(InputPick, 10), substring(OutputPick, 10)), {other:String})

-- words.bounds
match(SessionId, {anywhere:String})
OR max(arrayExists(v -> match(v, {anywhere:String}), UserIds))
OR SessionId IN TURNS

-- words.found
match(SessionId, {pattern:String})
OR arrayExists(v -> match(v, {anywhere:String}) AND match(v, {pattern:String}), UserIds)
OR SessionId IN (
    SELECT m.SessionId FROM _turn_minutes AS m
    WHERE m.Project = {project:String} AND m.TraceId IN {trace_ids:Array(String)}
    GROUP BY m.SessionId, m.TraceId
    HAVING sum(m.SpanCount) > 0
        AND (match(substring(max(m.InputPick), 10), {pattern:String})
            OR match(substring(max(m.OutputPick), 10), {pattern:String})))

-- piece
positionCaseInsensitiveUTF8(SessionId, {piece:String}) > 0
OR arrayExists(v -> positionCaseInsensitiveUTF8(v, {piece:String}) > 0, UserIds)
OR SessionId IN (
    SELECT SessionId FROM session_traces
    WHERE Project = {project:String}
        AND (positionCaseInsensitiveUTF8(Input, {piece:String}) > 0
            OR positionCaseInsensitiveUTF8(Output, {piece:String}) > 0))

-- piece.bounds
positionCaseInsensitiveUTF8(SessionId, {piece:String}) > 0
OR max(arrayExists(v -> positionCaseInsensitiveUTF8(v, {piece:String}) > 0, UserIds))
OR SessionId IN (
    SELECT SessionId FROM _session_turns
    WHERE Project = {project:String}
        AND (positionCaseInsensitiveUTF8(substring(InputPick, 10), {piece:String}) > 0
            OR positionCaseInsensitiveUTF8(substring(OutputPick, 10), {piece:String}) > 0))

-- window
SessionId IN (
    SELECT SessionId FROM session_traces
    WHERE Project = {project:String}
        AND toUnixTimestamp64Nano(EndTime) >= {low:Int64} AND toUnixTimestamp64Nano(StartTime) <= {high:Int64})

-- has.error
ErrorCount > 0

-- has.user
notEmpty(UserIds)

-- has.metadata
HAS_METADATA

-- has.score
SessionId IN (SELECT SessionId FROM session_scores WHERE Project = {project:String})

-- has.comment
SessionId IN (SELECT SessionId FROM session_comments WHERE Project = {project:String})

-- has.label
SessionId IN (SELECT SessionId FROM _labels WHERE Project = {project:String})

-- is.bookmarked
SessionId IN (SELECT SessionId FROM session_bookmarks WHERE Project = {project:String})

-- is.shared
SessionId IN (SELECT SessionId FROM session_shares WHERE Project = {project:String})

-- is.active
toUnixTimestamp64Nano(EndTime) >= {now:Int64} -
${../../sessions/parts/idle_after}

-- is.unpriced
UnpricedCalls > 0

-- has.error.bounds
sum(ErrorCount) > 0

-- has.user.bounds
max(notEmpty(UserIds))

-- is.active.bounds
toInt64(max(bitAnd(LastEnd, 9223372036854775807))) >= {now:Int64} -
${../../sessions/parts/idle_after}

-- time.bounds
toInt64(max(bitAnd(LastEnd, 9223372036854775807))) BETWEEN {low:Int64} AND {high:Int64}

-- window.bounds
max(arrayExists(
    spell -> bitShiftRight(spell, 32) <= {last:UInt32} AND bitAnd(spell, 4294967295) >= {first:UInt32}, Spells))
OR max(length(Spells)) >= 1024
    AND (toInt64(max(bitAnd(LastEnd, 9223372036854775807))) >= {low:Int64}
            AND toInt64(min(bitAnd(FirstStart, 9223372036854775807))) <= {high:Int64}
        OR {first:UInt32} = 0 OR {last:UInt32} = 153722867)

-- window.pauses
max(arrayExists(spell -> bitShiftRight(spell, 32) BETWEEN {before:UInt32} AND {first:UInt32}, Spells))
AND max(arrayExists(spell -> bitShiftRight(spell, 32) BETWEEN {last:UInt32} AND {after:UInt32}, Spells))

-- window.turns
SessionId IN (
    SELECT any(SessionId) FROM _session_turns
    WHERE Project = {project:String}
    GROUP BY Pair
    HAVING toInt64(max(bitAnd(LastEnd, 9223372036854775807))) >= {low:Int64}
        AND toInt64(min(bitAnd(FirstStart, 9223372036854775807))) <= {high:Int64})
