# SPDX-License-Identifier: Apache-2.0
"""Two services with a tracer each, set up as an application does it, a clock that need not wait, and a tally of what
they make, to compare with what ClickHouse says."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, use_span
from opentelemetry.util.types import AttributeValue


@dataclass(slots=True)
class Tally:
    """The figures of one session, counted as its spans are made. `cost` is in dollars, times in Unix nanoseconds."""

    session_id: str
    user_id: str
    traces: int = 0
    spans: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)
    models: set[str] = field(default_factory=set)
    services: set[str] = field(default_factory=set)
    minutes: set[int] = field(default_factory=set)
    """The Unix minutes in which its spans begin."""
    start_ns: int = 0
    end_ns: int = 0

    def span(self, service: str, start_ns: int, end_ns: int, *, failed: bool) -> None:
        self.spans += 1
        self.errors += failed
        self.services.add(service)
        self.minutes.add(start_ns // 60_000_000_000)
        self.start_ns = min(self.start_ns or start_ns, start_ns)
        self.end_ns = max(self.end_ns, end_ns)

    def model_call(self, model: str, input_tokens: int, output_tokens: int, cost: Decimal) -> None:
        self.models.add(model)
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        self.cost += cost


Attributes = Mapping[str, AttributeValue]
_FLUSH_MS = 10_000


@dataclass(slots=True)
class Clock:
    """The time of the story, in Unix nanoseconds; it only moves when it is told to."""

    now_ns: int
    chance: random.Random

    def spend(self, low_ms: float, high_ms: float) -> None:
        """Some time between the two."""
        self.now_ns += int(self.chance.uniform(low_ms, high_ms) * 1_000_000)


class Service:
    """One process of the application, under its `service.name`."""

    def __init__(self, name: str, endpoint: str) -> None:
        self.name = name
        resource = Resource.create(
            {"service.name": name, "service.version": "1.4.2", "deployment.environment.name": "demo"}
        )
        self._provider = TracerProvider(resource=resource, sampler=ALWAYS_ON, shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=True, timeout=10))
        )
        self._tracer = self._provider.get_tracer("ridgeline.chat", "1.4.2")

    @contextmanager
    def span(
        self,
        story: Story,
        name: str,
        attributes: Attributes,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        parent: Context | None = None,
    ) -> Iterator[Span]:
        """A span from now to the time of the story at its end; it is current, and what is raised in it is recorded."""
        start_ns = story.clock.now_ns
        span = self._tracer.start_span(name, parent, kind, {**story.attributes, **attributes}, start_time=start_ns)
        failed = True
        try:
            with use_span(span, record_exception=False, set_status_on_exception=False):
                yield span
            failed = False
        except Exception as error:
            span.record_exception(error, timestamp=story.clock.now_ns)
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR, str(error)))
            raise
        finally:
            span.end(end_time=story.clock.now_ns)
            story.tally.span(self.name, start_ns, story.clock.now_ns, failed=failed)

    def flush(self) -> None:
        """Returns when all ended spans are with the receiver. Raises `ConnectionError` when that takes too long."""
        if not self._provider.force_flush(_FLUSH_MS):
            raise ConnectionError("the spans were not taken in time")

    def shutdown(self) -> None:
        self._provider.shutdown()


@dataclass(slots=True)
class Story:
    """What the spans of one turn share: the clock, the count, and the attributes each of them gets."""

    clock: Clock
    tally: Tally
    attributes: Attributes = field(default_factory=dict)
