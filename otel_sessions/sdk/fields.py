"""The fields of observations and traces, by the names of Langfuse's API, and the attributes they become."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypedDict

from opentelemetry.util.types import AttributeValue

from otel_sessions import semconv
from otel_sessions.sdk import content, settings, state, values
from otel_sessions.sdk.quietly import warn_once

Attributes = dict[str, AttributeValue]
Level = Literal["DEBUG", "DEFAULT", "WARNING", "ERROR"]
Kind = Literal[
    "span", "generation", "embedding", "agent", "tool", "chain", "retriever", "evaluator", "guardrail", "event"
]
GENERATIONS: Final = frozenset({"generation", "embedding"})


class Fields(TypedDict, total=False):
    """What may be said of an observation beside its name; None says nothing. `usage` and `cost` are short forms."""

    input: Any
    output: Any
    metadata: Any
    version: str | None
    level: Level | None
    status_message: str | None
    model: str | None
    model_parameters: Mapping[str, Any] | None
    usage: Mapping[str, int] | None
    usage_details: Mapping[str, int] | None
    cost: float | Mapping[str, float] | None
    cost_details: Mapping[str, float] | None
    completion_start_time: datetime | None
    prompt: Any


class TraceFields(TypedDict, total=False):
    """What may be said of a whole trace; None says nothing."""

    session_id: str | None
    user_id: str | None
    name: str | None
    tags: Sequence[str] | None
    metadata: Any
    input: Any
    output: Any
    version: str | None
    release: str | None
    public: bool | None


def observation(fields: Mapping[str, Any]) -> Attributes:
    """The attributes of an observation's fields; an unknown one is logged."""
    found: Attributes = {}
    for field, value in fields.items():
        if value is None:
            continue
        convert = _OBSERVATION.get(field)
        if convert is None:
            warn_once(f"an observation has no field {field!r}; it is left out")
        else:
            found.update(convert(value))
    return found


def claim(fields: Mapping[str, Any]) -> Attributes:
    """Of a trace's fields those that every later span of it has to carry."""
    metadata = fields.get("metadata")
    found = state.attributes_of(fields.get("session_id"), fields.get("user_id"), fields.get("tags"))
    return found if metadata is None else {**found, **values.metadata(semconv.TRACE_METADATA, metadata)}


def trace(fields: Mapping[str, Any]) -> Attributes:
    """The attributes of a trace's fields for its root."""
    found = claim(fields)
    for field, value in fields.items():
        if value is not None and (convert := _TRACE.get(field)):
            found.update(convert(value))
        elif value is not None and field not in TraceFields.__annotations__:
            warn_once(f"a trace has no field {field!r}; it is left out")
    return found


def propagated(**found: Any) -> Attributes:
    """Of `version`, `trace_name`, `environment` and `prompt` those that are given."""
    attributes: Attributes = {}
    for field, value in found.items():
        if value is not None:
            attributes.update(_PROPAGATED[field](value))
    return attributes


def usage(details: Any) -> Attributes:
    """As given, and input and output tokens by their standard names."""
    if not isinstance(details, Mapping):
        return {semconv.USAGE_DETAILS: content.text(details)}
    found: Attributes = {semconv.USAGE_DETAILS: json.dumps(dict(details), default=str)}
    for key, names in _TOKENS.items():
        counts = [details[name] for name in names if type(details.get(name)) is int]
        if counts:
            found[key] = values.attribute(counts[0])
    return found


def _cost(details: Any) -> Attributes:
    as_map = dict(details) if isinstance(details, Mapping) else {"total": float(details)}
    return {semconv.COST_DETAILS: json.dumps(as_map, default=float)}


def _prompt(prompt: Any) -> Attributes:
    """Of an object or a mapping with name and version."""
    of = prompt if isinstance(prompt, Mapping) else {key: getattr(prompt, key, None) for key in ("name", "version")}
    name, version = of.get("name"), of.get("version")
    if name is None:
        return {}
    found: Attributes = {semconv.PROMPT_NAME: content.text(name)}
    return found if version is None else {**found, semconv.PROMPT_VERSION: values.attribute(version)}


def _content(key: str) -> Callable[[Any], Attributes]:
    return lambda value: {key: content.text(value, redact=settings.redact())}


def _text(key: str) -> Callable[[Any], Attributes]:
    return lambda value: {key: content.text(value)}


_TOKENS: Final = {
    semconv.INPUT_TOKENS: ("input", "input_tokens", "prompt_tokens"),
    semconv.OUTPUT_TOKENS: ("output", "output_tokens", "completion_tokens"),
}
_OBSERVATION: Final[Mapping[str, Callable[[Any], Attributes]]] = {
    "input": _content(semconv.OBSERVATION_INPUT),
    "output": _content(semconv.OBSERVATION_OUTPUT),
    "metadata": lambda value: values.metadata(semconv.OBSERVATION_METADATA, value),
    "version": _text(semconv.TRACE_VERSION),
    "level": _text(semconv.OBSERVATION_LEVEL),
    "status_message": _text(semconv.OBSERVATION_STATUS_MESSAGE),
    "model": _text(semconv.REQUEST_MODEL),
    "model_parameters": _text(semconv.MODEL_PARAMETERS),
    "usage": usage,
    "usage_details": usage,
    "cost": _cost,
    "cost_details": _cost,
    "completion_start_time": lambda value: {semconv.COMPLETION_START_TIME: value.isoformat()},
    "prompt": _prompt,
}
_TRACE: Final[Mapping[str, Callable[[Any], Attributes]]] = {
    "name": _text(semconv.TRACE_NAME),
    "input": _content(semconv.TRACE_INPUT),
    "output": _content(semconv.TRACE_OUTPUT),
    "version": _text(semconv.TRACE_VERSION),
    "release": _text(semconv.TRACE_RELEASE),
    "public": lambda value: {semconv.TRACE_PUBLIC: bool(value)},
}
_PROPAGATED: Final[Mapping[str, Callable[[Any], Attributes]]] = {
    "version": _text(semconv.TRACE_VERSION),
    "trace_name": _text(semconv.TRACE_NAME),
    "environment": _text("langfuse.environment"),  # Langfuse SDK
    "prompt": _prompt,
}
