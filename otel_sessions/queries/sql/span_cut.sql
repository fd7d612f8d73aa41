-- How long texts are that are cut, and all columns of spans with their texts cut to so many characters. Lengths stand first: behind
-- REPLACE a name is what stands in its place.
if(lengthUTF8(StatusMessage) > {preview:UInt32}, lengthUTF8(StatusMessage), 0) AS `_Long.StatusMessage`,
mapFilter((k, n) -> n > {preview:UInt32}, mapApply((k, v) -> (k, lengthUTF8(v)), ResourceAttributes)) AS `_Long.ResourceAttributes`,
mapFilter((k, n) -> n > {preview:UInt32}, mapApply((k, v) -> (k, lengthUTF8(v)), ScopeAttributes)) AS `_Long.ScopeAttributes`,
mapFilter((k, n) -> n > {preview:UInt32}, mapApply((k, v) -> (k, lengthUTF8(v)), SpanAttributes)) AS `_Long.SpanAttributes`,
mapFilter((k, n) -> n > {preview:UInt32}, mapApply((k, v) -> (k, lengthUTF8(v)), Metadata)) AS `_Long.Metadata`,
arrayMap(m -> mapFilter((k, n) -> n > {preview:UInt32}, mapApply((k, v) -> (k, lengthUTF8(v)), m)), `Events.Attributes`) AS `_Long.Events.Attributes`,
arrayMap(m -> mapFilter((k, n) -> n > {preview:UInt32}, mapApply((k, v) -> (k, lengthUTF8(v)), m)), `Links.Attributes`) AS `_Long.Links.Attributes`,
* REPLACE (
    substringUTF8(StatusMessage, 1, {preview:UInt32}) AS StatusMessage,
    mapApply((k, v) -> (k, substringUTF8(v, 1, {preview:UInt32})), ResourceAttributes) AS ResourceAttributes,
    mapApply((k, v) -> (k, substringUTF8(v, 1, {preview:UInt32})), ScopeAttributes) AS ScopeAttributes,
    mapApply((k, v) -> (k, substringUTF8(v, 1, {preview:UInt32})), SpanAttributes) AS SpanAttributes,
    mapApply((k, v) -> (k, substringUTF8(v, 1, {preview:UInt32})), Metadata) AS Metadata,
    arrayMap(m -> mapApply((k, v) -> (k, substringUTF8(v, 1, {preview:UInt32})), m), `Events.Attributes`) AS `Events.Attributes`,
    arrayMap(m -> mapApply((k, v) -> (k, substringUTF8(v, 1, {preview:UInt32})), m), `Links.Attributes`) AS `Links.Attributes`)
