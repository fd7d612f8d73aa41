"""The session of a context: what `session` puts there and the span processor reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from opentelemetry.context import Context, create_key
from opentelemetry.util.types import AttributeValue

from otel_sessions import semconv
from otel_sessions.sdk import values

KEY: Final = create_key("otel-sessions")
Attributes = Mapping[str, AttributeValue]
_numbers: Final = count(1)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Attributes for the spans of a context or of a trace; of two, the one made later has the greater `number`."""

    attributes: Attributes
    number: int


def stamp(attributes: Attributes) -> Stamp:
    return Stamp(attributes, next(_numbers))


def stamp_in(context: Context) -> Stamp | None:
    """What `session` has put into a context."""
    return context.get(KEY)  # type: ignore[return-value]  # nobody else has the key


def attributes_of(
    session_id: object,
    user_id: object = None,
    tags: Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, AttributeValue]:
    """The attributes by which the receiver knows a session; what is None, or no id, is left out."""
    found: dict[str, AttributeValue] = {}
    if (session := values.identifier(session_id)) is not None:
        found[semconv.SESSION_ID] = session
    if (user := values.identifier(user_id)) is not None:
        found[semconv.USER_ID] = user
    if tags:
        found[semconv.TRACE_TAGS] = values.tags(tags)
    if metadata:
        found.update(values.metadata(semconv.TRACE_METADATA, metadata))
    return found
