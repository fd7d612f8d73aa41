${replay_columns}
    , SpanAttributes, `Events.Name` AS EventNames, `Events.Attributes` AS EventAttributes
