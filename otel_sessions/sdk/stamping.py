"""Puts attributes that are known to be valid on a span that is just starting.

The SDK checks each attribute anew, at more than a microsecond each; those of a session were checked when it began. So
they go straight into the SDK's own dictionary where it looks as it does today, and through its API anywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Span
from opentelemetry.util.types import AttributeValue

from otel_sessions import semconv


def put(span: Span, attributes: Mapping[str, AttributeValue]) -> None:
    """Sets them; a session id that the span has already stays."""
    try:
        held = span._attributes
        inner = held._dict  # type: ignore[union-attr]
        if held.max_value_len is None and type(held) is BoundedAttributes:  # type: ignore[union-attr]
            with held._lock:
                if held.maxlen is None or len(inner) + len(attributes) <= held.maxlen:
                    _update(inner, attributes)
                    return
    except AttributeError:
        pass  # another SDK's span, or another version's
    _put_by_api(span, attributes)


def _update(inner: dict[str, AttributeValue], attributes: Mapping[str, AttributeValue]) -> None:
    own = inner.get(semconv.SESSION_ID) if inner else None
    inner.update(attributes)
    if own is not None:
        inner[semconv.SESSION_ID] = own


def _put_by_api(span: Span, attributes: Mapping[str, AttributeValue]) -> None:
    own = semconv.SESSION_ID in (span.attributes or {})
    for key, value in attributes.items():
        if not (own and key == semconv.SESSION_ID):
            span.set_attribute(key, value)
