# SPDX-License-Identifier: Apache-2.0
"""The chat application and the service that it asks for documents: each turn is one trace over both, in the semantic
conventions of generative AI."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_sessions.demo.model import MODELS, tokens
from otel_sessions.demo.script import CHATS, SYSTEM, Chat, Turn
from otel_sessions.demo.stage import Stage
from otel_sessions.demo.talk import Talk, ToolError
from otel_sessions.demo.tracing import Attributes, Service, Story

TURNS = sum(len(chat.turns) for chat in CHATS)
_EMBEDDING = "text-embedding-3-small"
_DOCUMENTS = ("size-chart.md#talus", "terms.md#returns", "care.md#leather", "huts.md#stubai")


class Retriever:
    """All it knows of its caller is the `traceparent` header."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def search(self, story: Story, query: str, headers: Mapping[str, str]) -> list[str]:
        """Embeds the query and returns two documents; its spans belong to the caller's trace."""
        caller = TraceContextTextMapPropagator().extract(headers)
        story = replace(story, attributes={})
        attributes = {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": "handbook",
            "gen_ai.retrieval.query.text": query,
        }
        with self.service.span(story, "retrieval handbook", attributes, kind=SpanKind.SERVER, parent=caller):
            story.clock.spend(2, 6)
            model, used = MODELS[_EMBEDDING], tokens(query)
            asked: Attributes = {
                "gen_ai.operation.name": "embeddings",
                "gen_ai.provider.name": model.provider,
                "gen_ai.request.model": _EMBEDDING,
                "gen_ai.response.model": model.version,
                "gen_ai.usage.input_tokens": used,
                "gen_ai.usage.cost": float(model.cost(used, 0)),
                "server.address": model.server,
            }
            with self.service.span(story, f"embeddings {_EMBEDDING}", asked, kind=SpanKind.CLIENT):
                story.clock.spend(60, 140)
            story.tally.model_call(model.version, used, 0, model.cost(used, 0))
            story.clock.spend(20, 60)
            return story.clock.chance.sample(_DOCUMENTS, 2)


class Conversation:
    """One session in the chat service; `answer` handles a turn and remembers it."""

    def __init__(self, chat: Chat, api: Service, retriever: Retriever, story: Story) -> None:
        self._chat = chat
        self._api = api
        self._retriever = retriever
        self._story = story
        self._identity = {"session.id": story.tally.session_id, "user.id": chat.user}
        self._talk = Talk(api, chat.model, SYSTEM)

    def answer(self, turn: Turn) -> None:
        story = replace(self._story, attributes={} if turn.late_claim else self._identity)
        story.clock.now_ns += turn.after_s * 1_000_000_000
        story.tally.traces += 1
        self._talk.hear(turn.ask)
        root: Attributes = {
            **self._identity,
            "tag.tags": list(self._chat.tags),
            "http.request.method": "POST",
            "http.route": "/chat",
            "http.response.status_code": 200,
        }
        with self._api.span(story, "chat turn", root, kind=SpanKind.SERVER):
            story.clock.spend(4, 15)
            if turn.search:
                with self._api.span(story, "POST /search", {"server.address": "retriever"}, kind=SpanKind.CLIENT):
                    headers: dict[str, str] = {}
                    TraceContextTextMapPropagator().inject(headers)
                    story.clock.spend(3, 9)
                    found = self._retriever.search(story, turn.ask, headers)
                    story.clock.spend(3, 9)
                self._talk.hear("Documents: " + ", ".join(found), "system")
            if turn.agent:
                with self._talk.agent(story, turn.agent) as inner:
                    self._respond(inner, turn)
            else:
                self._respond(story, turn)
            story.clock.spend(2, 8)
            if turn.late_claim:
                self._retriever.service.flush()
                self._api.flush()

    def _respond(self, story: Story, turn: Turn) -> None:
        if turn.tools:
            fails = turn.fault == "tool fails"
            error = ToolError("the registry answered 503 Service Unavailable") if fails else None
            self._talk.use(story, turn.tools, error=error)
        if turn.fault == "model times out":
            with suppress(TimeoutError):  # the client library makes the call again
                self._talk.fail(story, TimeoutError("no answer within 10 s"))
            story.clock.spend(400, 600)
        self._talk.answer(story, turn.answer)


def play(stage: Stage) -> None:
    """Five customers of the last minutes."""
    api, retriever = stage.service("chat-api"), Retriever(stage.service("retriever"))
    for chat in CHATS:
        story = stage.story(chat.topic, chat.user, chat.ago_s)
        conversation = Conversation(chat, api, retriever, story)
        for turn in chat.turns:
            conversation.answer(turn)
            stage.tell(story.tally.session_id)
