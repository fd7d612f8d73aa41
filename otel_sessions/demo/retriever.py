"""The second service: it searches documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_sessions.demo.model import MODELS, tokens
from otel_sessions.demo.tracing import Attributes, Service, Story

_EMBEDDING = "text-embedding-3-small"
_DOCUMENTS = ("size-chart.md#talus", "terms.md#returns", "care.md#leather", "huts.md#stubai")


class Retriever:
    """All it knows of its caller is the `traceparent` header."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def search(self, story: Story, query: str, headers: Mapping[str, str]) -> list[str]:
        caller = TraceContextTextMapPropagator().extract(headers)
        story = replace(story, attributes={})
        attributes = {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": "handbook",
            "gen_ai.retrieval.query.text": query,
        }
        with self.service.span(story, "retrieval handbook", attributes, kind=SpanKind.SERVER, parent=caller):
            story.clock.spend(2, 6)
            self._embed(story, query)
            story.clock.spend(20, 60)
            return story.clock.chance.sample(_DOCUMENTS, 2)

    def _embed(self, story: Story, query: str) -> None:
        model, used = MODELS[_EMBEDDING], tokens(query)
        attributes: Attributes = {
            "gen_ai.operation.name": "embeddings",
            "gen_ai.provider.name": model.provider,
            "gen_ai.request.model": _EMBEDDING,
            "gen_ai.response.model": model.version,
            "gen_ai.usage.input_tokens": used,
            "gen_ai.usage.cost": float(model.cost(used, 0)),
            "server.address": model.server,
        }
        with self.service.span(story, f"embeddings {_EMBEDDING}", attributes, kind=SpanKind.CLIENT):
            story.clock.spend(60, 140)
        story.tally.model_call(model.version, used, 0, model.cost(used, 0))
