# SPDX-License-Identifier: Apache-2.0
"""The one data model: the columns of a `SpanBatch`, named as in the table `otel_traces`.

`WIRE` holds all that OTLP says of a span, as text where ClickHouse keeps text. `DERIVED` is what processors find in it;
a decoder fills it with `DERIVED_DEFAULTS`. `TRANSIENT` columns travel with a batch and are not stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

ATTRIBUTES: Final = pa.map_(pa.string(), pa.string())
TIMESTAMP: Final = pa.timestamp("ns", tz="UTC")
COST: Final = pa.decimal128(38, 12)
NO_CLAIM: Final = 9
"""`ClaimLevel` of a span without a claim: above every level there is."""


def _required(*fields: tuple[str, pa.DataType]) -> tuple[pa.Field, ...]:
    return tuple(pa.field(name, type_, nullable=False) for name, type_ in fields)


TRANSIENT: Final = _required(
    # Which request of its micro-batch a span came in, counted from 0.
    ("Request", pa.uint32()),
    # Which of the spans that were taken from it, counted from 0.
    ("Position", pa.uint32()),
    # Keys whose value is an array, a map, bytes or empty: such a value is text in the map, and is never an id.
    ("ResourceCompositeKeys", pa.list_(pa.string())),
    ("SpanCompositeKeys", pa.list_(pa.string())),
)

WIRE: Final = _required(
    ("Project", pa.string()),
    # StartTimeUnixNano as ClickHouse can hold it: at most 2262-04-11T23:47:16.854775807Z.
    ("Timestamp", TIMESTAMP),
    ("TraceId", pa.string()),  # 32 lower-case hex digits
    ("SpanId", pa.string()),  # 16 lower-case hex digits
    ("ParentSpanId", pa.string()),  # 16 lower-case hex digits, or empty
    ("TraceState", pa.string()),
    ("Flags", pa.uint32()),
    ("SpanName", pa.string()),
    ("SpanKind", pa.string()),  # Unspecified, Internal, Server, Client, Producer, Consumer
    ("ServiceName", pa.string()),  # service.name of the resource, or empty
    ("ResourceAttributes", ATTRIBUTES),
    ("ResourceSchemaUrl", pa.string()),
    ("ResourceDroppedAttributesCount", pa.uint32()),
    ("ScopeName", pa.string()),
    ("ScopeVersion", pa.string()),
    ("ScopeAttributes", ATTRIBUTES),
    ("ScopeSchemaUrl", pa.string()),
    ("ScopeDroppedAttributesCount", pa.uint32()),
    ("SpanAttributes", ATTRIBUTES),
    ("DroppedAttributesCount", pa.uint32()),
    ("StartTimeUnixNano", pa.uint64()),  # as on the wire
    ("EndTimeUnixNano", pa.uint64()),  # as on the wire
    ("Duration", pa.uint64()),  # ns; 0 where the end is before the start
    ("StatusCode", pa.string()),  # Unset, Ok, Error
    ("StatusMessage", pa.string()),
    # Events and links: lists that are parallel within their group.
    ("Events.Timestamp", pa.list_(TIMESTAMP)),
    ("Events.Name", pa.list_(pa.string())),
    ("Events.Attributes", pa.list_(ATTRIBUTES)),
    ("Events.DroppedAttributesCount", pa.list_(pa.uint32())),
    ("DroppedEventsCount", pa.uint32()),
    ("Links.TraceId", pa.list_(pa.string())),
    ("Links.SpanId", pa.list_(pa.string())),
    ("Links.TraceState", pa.list_(pa.string())),
    ("Links.Attributes", pa.list_(ATTRIBUTES)),
    ("Links.DroppedAttributesCount", pa.list_(pa.uint32())),
    ("Links.Flags", pa.list_(pa.uint32())),
    ("DroppedLinksCount", pa.uint32()),
)

DERIVED: Final = _required(
    ("IsRoot", pa.uint8()),  # no parent id, or marked langfuse.internal.is_app_root
    # The span's own claim, see docs/processors_session.md.
    ("ClaimLevel", pa.uint8()),  # 1 to 4, or NO_CLAIM
    ("ClaimId", pa.string()),
    ("ClaimKey", pa.string()),  # the attribute key that it came from
    # The session that follows from the best claim of its trace, as far as that was known at this insert.
    ("SessionHint", pa.string()),
    ("UserId", pa.string()),
    ("Environment", pa.string()),
    ("TraceName", pa.string()),  # where the client named the trace
    ("Tags", pa.list_(pa.string())),
    ("Metadata", ATTRIBUTES),  # what the client told of the trace or the run, beyond all that has a column
    # model, embedding, tool, agent, retrieval, guardrail, evaluation, chain, other
    ("StepKind", pa.string()),
    ("StepName", pa.string()),  # the model of a call or embedding, the tool, the agent, else the span's name
    ("AgentName", pa.string()),
    ("ResponseId", pa.string()),  # of the model's answer, and of the one that it goes on from
    ("PreviousResponseId", pa.string()),
    ("IsModelCall", pa.uint8()),  # whose tokens and cost count
    ("IsToolCall", pa.uint8()),
    ("IsUnpriced", pa.uint8()),  # a model call with tokens of any kind, and neither a stated cost nor a price
    ("Model", pa.string()),
    # Model calls only; 0 elsewhere.
    ("InputTokens", pa.uint64()),
    ("OutputTokens", pa.uint64()),
    ("TotalTokens", pa.uint64()),
    # Parts of the input, and of the output.
    ("CachedInputTokens", pa.uint64()),
    ("CacheCreationInputTokens", pa.uint64()),
    ("ReasoningTokens", pa.uint64()),
    ("Cost", COST),  # USD
    ("CostSource", pa.string()),  # attribute, where the span states it; prices, by the price table; or empty
    # The beginning of the step's input and output.
    ("Input", pa.string()),
    ("Output", pa.string()),
    # The same for the whole trace, where the client set them.
    ("TraceInput", pa.string()),
    ("TraceOutput", pa.string()),
)

SCHEMA: Final = pa.schema([*TRANSIENT, *WIRE, *DERIVED])

DERIVED_DEFAULTS: Final[Mapping[str, pa.Scalar]] = {
    field.name: {
        "ClaimLevel": pa.scalar(NO_CLAIM, pa.uint8()),
    }.get(field.name)
    or pa.scalar({ATTRIBUTES: [], pa.list_(pa.string()): [], pa.string(): ""}.get(field.type, 0), field.type)
    for field in DERIVED
}
