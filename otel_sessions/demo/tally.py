"""What the demo knows of its own sessions, to compare with what ClickHouse says of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal


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
