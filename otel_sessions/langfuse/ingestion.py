# SPDX-License-Identifier: Apache-2.0
"""`POST /api/public/ingestion`: a batch of events, each with an answer of its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final

from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pydantic import StringConstraints
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from otel_sessions.clickhouse.connection import Store
from otel_sessions.component import Consumer, Outcome
from otel_sessions.component import Request as ExportRequest
from otel_sessions.config.typed import Plain
from otel_sessions.errors import InvalidData
from otel_sessions.http.body import Bodies, Body
from otel_sessions.langfuse.answers import message_of, status_of
from otel_sessions.langfuse.score_body import ScoreBody, Time
from otel_sessions.langfuse.trace_update import TraceBody, export_of
from otel_sessions.sessions import scores
from otel_sessions.sessions.scores import Score

_OLD_KINDS: Final = ("span-", "generation-", "event-", "observation-")


class Event(Plain):
    """What every event has; `timestamp` is when it was made, and orders events about one thing."""

    id: Annotated[str, StringConstraints(min_length=1)]
    type: str
    timestamp: Time
    body: Any = None


@dataclass
class Batch:
    """What a batch comes to: what to store, an answer for each event, and what the pipeline has `taken` of it."""

    project: str
    now: datetime
    scores: list[Score] = field(default_factory=list)
    updates: list[Span] = field(default_factory=list)
    successes: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    taken: Future[Outcome] | None = None
    answer: bytes = b""

    def add(self, raw: Any) -> None:
        """Raises nothing: an event that is wrong has its error."""
        try:
            event = Event.model_validate(raw)
            self._take(event)
        except (ValueError, InvalidData) as error:  # pydantic's is a ValueError
            status, name = status_of(error)
            id_ = raw.get("id") if isinstance(raw, dict) else None
            id_ = id_.encode(errors="replace").decode() if isinstance(id_, str) else None
            self.errors.append({"id": id_, "status": status, "message": message_of(error), "error": name})
        else:
            self.successes.append({"id": event.id, "status": 201})

    def _take(self, event: Event) -> None:
        if event.type == "score-create":
            self.scores.append(ScoreBody.model_validate(event.body).score(self.project, event.timestamp, self.now))
        elif event.type == "trace-create":
            self.updates.append(TraceBody.model_validate(event.body).span(event.timestamp))
        elif event.type.startswith(_OLD_KINDS):
            raise InvalidData(f"{event.type} is of an old SDK; use Langfuse SDK 3 or newer, which sends OpenTelemetry")
        elif event.type != "sdk-log":
            raise InvalidData(f"there are no events of type {event.type!r} here")


class Ingestion:
    """Handlers; what they raise, `answered` answers, and the SDK sends the whole batch again."""

    def __init__(self, store: Store, bodies: Bodies, consumer: Consumer) -> None:
        self._store = store
        self._bodies = bodies
        self._consumer = consumer

    async def take(self, request: Request) -> Response:
        """207 when every good event of the batch is safe."""
        batch = await self._bodies.take(request, partial(self._batch, request.state.project))
        if batch.taken is not None:
            await asyncio.shield(asyncio.wrap_future(batch.taken))  # the pipeline's future is not ours to cancel
        if batch.scores:
            await self._store.run(partial(scores.store, scores=batch.scores))
        return Response(batch.answer, 207, media_type="application/json")

    def _batch(self, project: str, body: Body) -> Batch:
        """Takes all events of a body, in a thread, as they may be many thousands; `InvalidData` if it is no batch."""
        content = body.json()
        events = content.get("batch") if isinstance(content, dict) else None
        if not isinstance(events, list):
            raise InvalidData("batch: a list of events expected")
        batch = Batch(project, datetime.now(UTC))
        for event in events:
            batch.add(event)
        if batch.updates:
            batch.taken = self._consumer.consume(ExportRequest(export_of(batch.updates), project))
        batch.answer = bytes(JSONResponse({"successes": batch.successes, "errors": batch.errors}).body)
        return batch
