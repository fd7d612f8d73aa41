-- The spans of turns that are corrected, as `replay_stored` has those of the others.
SELECT
${replay_columns}
    , SpanAttributes, `Events.Name` AS EventNames, `Events.Attributes` AS EventAttributes
${corrected_spans_from}
SETTINGS max_result_bytes = 8388608, result_overflow_mode = 'break'
