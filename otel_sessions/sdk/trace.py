# SPDX-License-Identifier: Apache-2.0
"""`update_current_trace`: what is said of a trace holds for all of its spans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypedDict, Unpack

from opentelemetry.trace import Span, get_current_span

from otel_sessions import semconv
from otel_sessions.sdk import serialize
from otel_sessions.sdk.processor import TRACES, Attributes
from otel_sessions.sdk.safely import Safely, warn_once

_updating = Safely("updating a trace")


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


def update_current_trace(**fields: Unpack[TraceFields]) -> None:
    """Says something of the whole current trace: `session_id`, `user_id`, `name`, `tags`, `metadata`, `input`, ...

    The session gathers all spans of the trace: those that have ended, those of other services, those to come.
    Written are the current span, the trace's root in this process while it is open, and every later span of it here;
    the receiver attributes the rest. Without a current span, or in a trace that is not sampled, nothing happens.
    """
    update(get_current_span(), fields)


def update(span: Span, fields: Mapping[str, Any]) -> None:
    """Says something of the whole trace of this span, as `update_current_trace` does."""
    with _updating:
        ids = span.get_span_context()
        if not ids.is_valid:
            warn_once("there is no current span, so no trace to update")
            return
        if not ids.trace_flags.sampled:
            return
        found = {field: value for field, value in fields.items() if value is not None}
        metadata = serialize.metadata(semconv.TRACE_METADATA, found["metadata"]) if "metadata" in found else {}
        for_all = {**attributes_of(found.get("session_id"), found.get("user_id"), found.get("tags")), **metadata}
        roots = TRACES.roots(ids.trace_id)
        for root in roots or (span,):
            if root.is_recording():
                root.set_attributes(for_all)
                # writes what only the root of a trace carries
                for field, value in found.items():
                    if key := _CONTENTS.get(field):
                        serialize.write(root, key, value)
                    elif said := _OF_ROOT.get(field):
                        root.set_attribute(said[0], said[1](value))
                    elif field not in TraceFields.__annotations__:
                        warn_once(f"a trace has no field {field!r}; it is left out")
        if span not in roots and span.is_recording():
            span.set_attributes(for_all)
        if for_all:
            TRACES.claim(ids.trace_id, for_all)


def attributes_of(
    session_id: object,
    user_id: object = None,
    tags: Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Attributes:
    """The attributes by which the receiver knows a session; what is None, or no id, is left out."""
    found: Attributes = {}
    if (session := serialize.identifier(session_id)) is not None:
        found[semconv.SESSION_ID] = session
    if (user := serialize.identifier(user_id)) is not None:
        found[semconv.USER_ID] = user
    if tags:
        found[semconv.TRACE_TAGS] = serialize.tags(tags)
    if metadata:
        found.update(serialize.metadata(semconv.TRACE_METADATA, metadata))
    return found


def propagated_attributes(**found: Any) -> Attributes:
    """The attributes for `version`, `trace_name`, `environment` and `prompt`, those that are given."""
    attributes: Attributes = {}
    for field, value in found.items():
        if value is not None:
            attributes.update(prompt(value) if field == "prompt" else {_PROPAGATED[field]: serialize.text(value)})
    return attributes


def prompt(given: Any) -> Attributes:
    """The attributes that name a prompt, given as an object or a mapping with name and version; none without a name."""
    of = given if isinstance(given, Mapping) else {key: getattr(given, key, None) for key in ("name", "version")}
    name, version = of.get("name"), of.get("version")
    if name is None:
        return {}
    found: Attributes = {semconv.PROMPT_NAME: serialize.text(name)}
    return found if version is None else {**found, semconv.PROMPT_VERSION: serialize.attribute(version)}


_CONTENTS: Final = {"input": semconv.TRACE_INPUT, "output": semconv.TRACE_OUTPUT}
_OF_ROOT: Final[Mapping[str, tuple[str, Callable[[Any], str | bool]]]] = {
    "name": (semconv.TRACE_NAME, serialize.text),
    "version": (semconv.TRACE_VERSION, serialize.text),
    "release": (semconv.TRACE_RELEASE, serialize.text),
    "public": (semconv.TRACE_PUBLIC, bool),
}
_PROPAGATED: Final = {
    "version": semconv.TRACE_VERSION,
    "trace_name": semconv.TRACE_NAME,
    "environment": semconv.ENVIRONMENT,
}
