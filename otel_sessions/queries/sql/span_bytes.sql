    byteSize(SpanAttributes) + byteSize(ResourceAttributes) + byteSize(Metadata) + byteSize(StatusMessage)
    + byteSize(`Events.Attributes`) + byteSize(`Links.Attributes`)
