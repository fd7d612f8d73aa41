"""`update_current_trace`: what is said of a trace holds for all of its spans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from opentelemetry.trace import Span, get_current_span

from otel_sessions.sdk import fields as known
from otel_sessions.sdk.quietly import Quietly, warn_once
from otel_sessions.sdk.traces import TRACES

_updating = Quietly("updating a trace")


def update_current_trace(**fields: Unpack[known.TraceFields]) -> None:
    """Says something of the whole current trace: `session_id`, `user_id`, `name`, `tags`, `metadata`, `input`, ...

    The session gathers all spans of the trace: those that have ended, those of other services, those to come.
    Written are the current span, the trace's root in this process while it is open, and every later span of it here;
    the receiver attributes the rest. Without a current span, or in a trace that is not sampled, nothing happens.
    """
    update(get_current_span(), fields)


def update(span: Span, fields: Mapping[str, Any]) -> None:
    """The same for the trace of this span."""
    with _updating:
        ids = span.get_span_context()
        if not ids.is_valid:
            warn_once("there is no current span, so no trace to update")
        elif ids.trace_flags.sampled:
            _claim(span, ids.trace_id, fields)


def _claim(span: Span, trace_id: int, fields: Mapping[str, Any]) -> None:
    for_root, for_all = known.trace(fields), known.claim(fields)
    roots = TRACES.roots(trace_id)
    for root in roots or (span,):
        _set(root, for_root)
    if span not in roots:
        _set(span, for_all)
    if for_all:
        TRACES.claim(trace_id, for_all)


def _set(span: Span, attributes: known.Attributes) -> None:
    if span.is_recording():
        span.set_attributes(attributes)
