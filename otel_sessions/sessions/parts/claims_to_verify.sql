    FROM otel_traces
    WHERE ClaimLevel < 9 AND ClaimId >= {low:String} AND ({last:UInt8} = 1 OR ClaimId < {high:String})
        AND ({all:UInt8} = 1 OR (Project, TraceId) IN (
            SELECT Project, TraceId
            FROM otel_traces
            WHERE ReceivedAt >= {from:DateTime64(9, 'UTC')} AND ReceivedAt <= {to:DateTime64(9, 'UTC')}))
