"""Values that every exporter can encode: one that cannot be written as OTLP would cost its whole batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.util.types import AttributeValue

from otel_sessions.sdk import content
from otel_sessions.sdk.content import encodable

_INT64: Final = 2**63
MAX_ID_BYTES: Final = 8192
"""Beyond that the receiver takes no text for an id."""
MAX_TAGS: Final = 100
MAX_METADATA: Final = 64


def identifier(value: object) -> str | None:
    """An id as its text; None for what the receiver would not take: nothing, white space, over-long text."""
    if value is None:
        return None
    text = encodable(value if type(value) is str else str(value))
    if not text.strip() or len(text.encode()) > MAX_ID_BYTES:
        return None
    return text


def attribute(value: object) -> AttributeValue:
    """Text, truth and numbers that OTLP has as they are; anything else as JSON."""
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int) and -_INT64 <= value < _INT64:
        return int(value)
    return content.text(value)


def tags(values: Sequence[object]) -> tuple[str, ...]:
    """At most `MAX_TAGS`, each a text; one text is one tag."""
    listed = [values] if isinstance(values, str) else list(values)
    return tuple(encodable(str(tag)) for tag in listed[:MAX_TAGS])


def metadata(prefix: str, values: object) -> dict[str, AttributeValue]:
    """An attribute a key of a mapping, `prefix.KEY`, at most `MAX_METADATA`; anything else as one attribute."""
    if not isinstance(values, Mapping):
        return {prefix: attribute(values)}
    pairs = list(values.items())[:MAX_METADATA]
    return {f"{prefix}.{encodable(str(key))}": attribute(value) for key, value in pairs}
