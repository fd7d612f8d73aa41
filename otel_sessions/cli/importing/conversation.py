# SPDX-License-Identifier: Apache-2.0
"""A conversation out of a transcript, and the spans that it becomes.

Ids are made of those in the transcript, so that the same transcript is the same spans, however often it is imported.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

SCOPE: Final = "otel_sessions.import"
_SPANS_AT_ONCE: Final = 500
_USAGE: Final = {
    "input": "gen_ai.usage.input_tokens",
    "output": "gen_ai.usage.output_tokens",
    "cached": "gen_ai.usage.cache_read.input_tokens",
    "written": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
}


@dataclass(slots=True)
class Call:
    """A call of a model; `usage` counts `input` (all that went in), `output`, `cached`, `written` and `reasoning`.

    `cost` is in US dollars, None where the transcript does not say.
    """

    id: str
    model: str
    start_ns: int
    end_ns: int
    given: list[dict[str, Any]] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    usage: dict[str, int] = field(default_factory=dict)
    cost: float | None = None


@dataclass(slots=True)
class Tool:
    """A call of a tool; `result` is None where the transcript has none."""

    id: str
    name: str
    arguments: Any
    start_ns: int
    end_ns: int
    result: Any = None
    failed: bool = False


@dataclass(slots=True)
class Turn:
    """What somebody asked, and all that it set going."""

    id: str
    asked: str
    start_ns: int
    end_ns: int
    calls: list[Call] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """The last text that the model said; empty without one."""
        said = ("\n".join(part["content"] for part in call.parts if part["type"] == "text") for call in self.calls)
        return next(filter(None, reversed(list(said))), "")


@dataclass(slots=True)
class Conversation:
    """One transcript; `agent` is the program that wrote it."""

    session_id: str
    agent: str
    provider: str
    version: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)


def requests(conversation: Conversation) -> Iterator[tuple[bytes, int]]:
    """OTLP requests with all its spans, and how many spans each has."""
    spans: list[Span] = []
    for turn in conversation.turns:
        spans += _spans(conversation, turn)
        if len(spans) >= _SPANS_AT_ONCE:
            yield _request(conversation, spans), len(spans)
            spans = []
    if spans:
        yield _request(conversation, spans), len(spans)


def _request(conversation: Conversation, spans: list[Span]) -> bytes:
    resource = {"service.name": conversation.agent.lower().replace(" ", "-"), "service.version": conversation.version}
    scoped = ScopeSpans(scope=InstrumentationScope(name=SCOPE), spans=spans)
    made = ResourceSpans(resource=Resource(attributes=_attributes(resource)), scope_spans=[scoped])
    return ExportTraceServiceRequest(resource_spans=[made]).SerializeToString()


def _spans(conversation: Conversation, turn: Turn) -> Iterator[Span]:
    trace_id = _digest(16, conversation.session_id, turn.id)
    root = _digest(8, conversation.session_id, turn.id)
    about = {"session.id": conversation.session_id}

    def span(kind: str, id_: str, name: str, start: int, end: int, **more: Any) -> Span:
        span_id = _digest(8, conversation.session_id, turn.id, kind, id_)
        more |= {"start_time_unix_nano": start, "end_time_unix_nano": max(start, end)}
        return Span(trace_id=trace_id, span_id=span_id, parent_span_id=root, name=name, **more)

    said = {"input.value": turn.asked, "output.value": turn.answer, "metadata": _json(conversation.metadata)}
    kind = {"openinference.span.kind": "AGENT", "gen_ai.agent.name": conversation.agent}
    top = span("turn", "", "turn", turn.start_ns, turn.end_ns, attributes=_attributes({**about, **kind, **said}))
    top.span_id, top.parent_span_id = root, b""
    yield top
    for call in turn.calls:
        attributes = {
            **about,
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": conversation.provider,
            "gen_ai.request.model": call.model,
            "gen_ai.response.id": call.id,
            "gen_ai.input.messages": _json(call.given),
            "gen_ai.output.messages": _json([{"role": "assistant", "parts": call.parts}]) if call.parts else "",
            **{_USAGE[name]: count for name, count in call.usage.items() if count},
            **({} if call.cost is None else {"gen_ai.usage.cost": str(call.cost)}),
        }
        yield span(
            "call", call.id, f"chat {call.model}", call.start_ns, call.end_ns, attributes=_attributes(attributes)
        )
    for tool in turn.tools:
        attributes = {
            **about,
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool.name,
            "gen_ai.tool.call.id": tool.id,
            "gen_ai.tool.call.arguments": _json(tool.arguments),
            "gen_ai.tool.call.result": "" if tool.result is None else _json(tool.result),
        }
        failed = Status(code=Status.STATUS_CODE_ERROR, message=_json(tool.result)[:1000]) if tool.failed else None
        more = {"attributes": _attributes(attributes), "status": failed}
        yield span("tool", tool.id, f"execute_tool {tool.name}", tool.start_ns, tool.end_ns, **more)


def _attributes(values: Mapping[str, Any]) -> list[KeyValue]:
    """The attributes as OTLP has them, without those that are empty."""
    return [
        KeyValue(key=key, value=AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value))
        for key, value in values.items()
        if value not in ("", "[]", "{}", "null")
    ]


def _json(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()


def _digest(size: int, *parts: str) -> bytes:
    return blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=size).digest()
