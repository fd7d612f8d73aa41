-- The spans of turns that are corrected, as `replay_stored` has those of the others.
SELECT
${replay_said}
${corrected_spans_from}
SETTINGS max_result_bytes = 8388608, result_overflow_mode = 'break'
