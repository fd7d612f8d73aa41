        substring(argMinIf(InputPick, (FirstStart, TraceId), InputPick != ''), 10) AS Input,
        substring(argMaxIf(OutputPick, (LastEnd, TraceId), OutputPick != ''), 10) AS Output,
        toUInt64(arrayMax(arrayPushFront(
${turn_gaps}
        , 0))) AS LongestGap
