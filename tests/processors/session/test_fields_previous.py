"""Which session a session goes on from: an attribute, or OpenTelemetry's event `session.start`."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.testing.otlp import event, span
from tests.processors.session.reading import batch_of, rows_of

OWN = {"session.id": "new"}
STARTED = {"session.id": "new", "session.previous_id": "old"}


def told(*spans: Span, **config: Any) -> list[dict[str, str]]:
    batch = SessionProcessor(SessionConfig.model_validate(config)).process(batch_of(*spans))
    return [dict(row["Metadata"]) for row in rows_of(batch)]


def started(name: str = "session.start", **attributes: str) -> Span.Event:
    return event(name, attributes={key.replace("_", ".", 1): value for key, value in attributes.items()})


@pytest.mark.parametrize(
    ("one", "previous"),
    [
        (span(attributes=STARTED), "old"),
        (span(attributes=OWN, events=[started(session_id="new", session_previous_id="old")]), "old"),
        (span(events=[started(session_id="new", session_previous_id="old")]), "old"),
        (span(attributes=OWN, events=[started(session_previous_id="old")]), "old"),
        (span(attributes=OWN, events=[started(session_id="other", session_previous_id="old")]), None),
        (span(attributes=OWN, events=[started("session.end", session_id="new", session_previous_id="old")]), None),
        (span(attributes=OWN, events=[started(session_id="new")]), None),
        (span(attributes=STARTED, events=[started(session_previous_id="another")]), "old"),
        (span(attributes=OWN, events=[started(session_previous_id=each) for each in ("first", "last")]), "last"),
    ],
)
def test_a_span_says_which_session_its_own_follows(one: Span, previous: str | None) -> None:
    said, nothing = told(one, span("beside", attributes=OWN))
    assert said == ({} if previous is None else {"session.previous_id": previous})
    assert nothing == {}


def test_it_stands_beside_other_metadata() -> None:
    one = "langfuse.trace.metadata.tenant"
    both = span(attributes={**OWN, one: "acme"}, events=[started(session_previous_id="old")])
    assert told(both, span(attributes={one: "other"})) == [
        {"session.previous_id": "old", "tenant": "acme"},
        {"tenant": "other"},
    ]


def test_it_may_stand_under_other_keys_or_under_none() -> None:
    said = span(attributes={"app.before": "old", "session.previous_id": "no"})
    assert told(said, previous_session_keys=["app.before"]) == [{"session.previous_id": "old"}]
    assert told(said, previous_session_keys=[]) == [{}]
