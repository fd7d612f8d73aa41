    -- What the figures of a turn are made of, by span `s`. Texts are picked by `max`: a digit that ranks them, a time in
    -- eight bytes that compare as the number does, the text. Empty is none. Times that make no sense lose to all others.
    s.SpanName != 'otel_sessions.trace_update' AS is_span,
    toUInt64(toUnixTimestamp64Nano(s.Timestamp)) AS start_ns,
    start_ns > 0 AND start_ns < 9223372036854775807 AS has_times,
    if(has_times AND start_ns + s.Duration < 9223372036854775807, start_ns + s.Duration, start_ns) AS end_ns,
    reverse(reinterpretAsFixedString(if(has_times, bitNot(start_ns), 0))) AS the_earlier,
    reverse(reinterpretAsFixedString(if(has_times, start_ns, 0))) AS the_later,
    reverse(reinterpretAsFixedString(if(has_times, end_ns, 0))) AS the_later_ended
