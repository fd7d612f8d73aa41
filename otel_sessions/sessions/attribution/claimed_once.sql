        -- The same as it was counted a moment ago.
        SELECT Project, session, TraceId, if(place = 1, Rows, 0), 0, 0, 0, 0, 0, 0, 0
        FROM known
        ARRAY JOIN Sessions AS session, arrayEnumerate(Sessions) AS place
