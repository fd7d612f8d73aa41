-- The spans of some turns, or of all, with what they say, which no correction took the place of, in any order, as `replay_whole`
-- has them: without its view, whose columns take longer to plan than these.
SELECT
${replay_said}
${stored_spans_from}
    AND AMONG
SETTINGS max_result_bytes = 8388608, result_overflow_mode = 'break'
