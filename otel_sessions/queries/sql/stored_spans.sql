    SELECT
        SessionHint AS SessionId,
${../../sessions/parts/session_source}
        AS SessionSource,
        * EXCEPT (
            SessionHint, ReceivedAt, StartsBeyond, EndsBefore, InputKey, InputChars, InputText, OutputKey, OutputChars, OutputText),
        StartTimeUnixNano, EndTimeUnixNano, Input, Output
${stored_spans_from}
