"""Random spans, delivered in random ways through decoder, processor, insert and attribution."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import pyarrow as pa
from clickhouse_connect.driver.client import Client
from hypothesis import strategies as st

from otel_sessions.clickhouse import inserts, rows
from otel_sessions.clickhouse.rows import TABLE
from otel_sessions.exporters.clickhouse.forgotten import Forgotten
from otel_sessions.pdata import SpanBatch, decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.sessions import attribution
from otel_sessions.testing import otlp
from otel_sessions.testing.oracle import NO_CLAIM, OracleSpan

EPOCH = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z in ns
_CLAIM_KEYS = {1: "session.id", 2: "session.id", 3: "gen_ai.conversation.id", 4: "gen_ai.conversation.id"}
_STEPS = {
    "model": ("gen_ai.response.model", "chat"),
    "tool": ("gen_ai.tool.name", "execute_tool"),
    "agent": ("gen_ai.agent.name", "invoke_agent"),
}
_projects = itertools.count()
VIEWED = ("_trace_claims", "_session_turns")
TURNS_ALONE = "_session_turns alone"
"""Not the view of it, which sums it by session."""
REACHED = [
    ("_trace_claims",),
    ("_session_turns",),
    ("_session_turns", "_trace_claims"),
    ("otel_traces",),
    ("otel_traces", "_trace_claims"),
    ("otel_traces", "_session_turns"),
    ("otel_traces", TURNS_ALONE),
]
"""What an insert may have filled when it is broken off: views are no transaction."""


def new_project() -> str:
    """A project that no other example has: tests share one database."""
    return f"project-{next(_projects)}"


@st.composite
def span_sets(draw: st.DrawFn, sessions: int = 4) -> list[OracleSpan]:
    """Spans of a few traces with claims of every level mixed; identities are distinct."""
    project = new_project()
    spans = []
    for trace in range(draw(st.integers(1, 5))):
        levels = st.sampled_from([1, 1, 2, 3, 4, NO_CLAIM, NO_CLAIM, NO_CLAIM])
        for number, level in enumerate(draw(st.lists(levels, min_size=1, max_size=7))):
            start = EPOCH + draw(st.integers(0, 5)) * 40_000_000_000
            spans.append(
                OracleSpan(
                    project=project,
                    trace_id=f"{trace + 1:032x}",
                    span_id=f"{trace * 100 + number + 1:016x}",
                    is_root=number == 0 and draw(st.booleans()),
                    start=start,
                    end=start + draw(st.integers(0, 3)) * 1_000_000_000,
                    level=level,
                    claim_id="" if level == NO_CLAIM else f"s{draw(st.integers(0, sessions - 1))}",
                    error=draw(st.booleans()),
                    input_tokens=draw(st.integers(0, 50)),
                    output_tokens=draw(st.integers(0, 50)),
                    cost=Decimal(draw(st.integers(0, 1000))) / 1000,
                )
            )
    return spans


def body(spans: Iterable[OracleSpan]) -> bytes:
    """An OTLP request of these spans, each under a resource of its own."""
    return otlp.request(*(_resource_spans(span) for span in spans)).SerializeToString()


def _resource_spans(span: OracleSpan) -> otlp.ResourceSpans:
    claim = {_CLAIM_KEYS[span.level]: span.claim_id} if span.level != NO_CLAIM else {}
    on_span, on_resource = (claim, {}) if span.level in (1, 3) else ({}, claim)
    events = [otlp.event("exception", time=EPOCH, attributes={"exception.message": span.exception})]
    return otlp.resource_spans(
        otlp.span(
            "otel_sessions.trace_update" if span.is_update else span.name,
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent="00000000000000ff" if span.has_parent or not span.is_root else "",
            start=span.start,
            end=span.end,
            attributes={**on_span, **_said(span), **({} if span.is_update else _step(span))},
            status="Error" if span.error else "Ok",
            message=span.message,
            events=events if span.exception else (),
        ),
        resource={**on_resource, **_given({"service.name": span.service})},
    )


def _said(span: OracleSpan) -> dict[str, otlp.Value]:
    """What a span or an update says beside its claim."""
    texts: dict[str, otlp.Value] = {
        "user.id": span.user,
        "langfuse.environment": span.environment,
        "langfuse.trace.name": span.trace_name,
        "langfuse.trace.tags": list(span.tags),
        "langfuse.trace.input": span.trace_input,
        "langfuse.trace.output": span.trace_output,
        "langfuse.observation.input": span.input,
        "langfuse.observation.output": span.output,
        "test.mark": span.mark,
        **{f"langfuse.trace.metadata.{key}": value for key, value in span.metadata},
    }
    return _given(texts)


def _step(span: OracleSpan) -> dict[str, otlp.Value]:
    """What kind of step it is. Agents state the usage of the calls below them, which does not count again."""
    name, operation = _STEPS.get(span.kind, ("", ""))
    usage: dict[str, otlp.Value] = {
        "gen_ai.usage.input_tokens": span.input_tokens,
        "gen_ai.usage.output_tokens": span.output_tokens,
        **({"gen_ai.usage.cost": float(span.cost)} if span.states_cost else {}),
    }
    parts: dict[str, otlp.Value] = {
        "gen_ai.usage.cache_read.input_tokens": span.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": span.cache_creation_tokens,
        "gen_ai.usage.reasoning.output_tokens": span.reasoning_tokens,
    }
    return {
        **_given({"gen_ai.operation.name": operation, name: span.step_name if name else ""}),
        **(usage | {key: count for key, count in parts.items() if count} if operation else {}),
        **({"langfuse.internal.is_app_root": True} if span.is_root and span.has_parent else {}),
    }


def _given(attributes: dict[str, otlp.Value]) -> dict[str, otlp.Value]:
    return {key: value for key, value in attributes.items() if value}


@dataclass
class Receiver:
    """What one process does: a processor with a memory, inserts, rounds of attribution.

    One that `remembers` drops what arrives for sessions that were deleted.
    """

    client: Client
    project: str
    remembers: bool = False

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self._processor = SessionProcessor(SessionConfig())

    def expect(self, spans: Sequence[OracleSpan]) -> None:
        """Has received these spans, and not stored them yet: it knows what they claim."""
        self._processed([spans])

    def take(self, requests: Sequence[Sequence[OracleSpan]]) -> None:
        """Stores requests as one micro-batch."""
        if len(batch := self._processed(requests)):
            insert(self.client, batch)

    def break_off(self, requests: Sequence[Sequence[OracleSpan]], reached: Sequence[str]) -> None:
        """Ends together with ClickHouse in the midst of storing these requests: only some tables have been reached."""
        if not len(batch := self._processed(requests)):
            return
        insert(self.client, batch, _that_reaches(self.client, [name for name in reached if name in VIEWED]))
        if TABLE in reached:
            _insert_facts(self.client, batch)
        if TURNS_ALONE in reached:
            _insert_turns(self.client, batch)
        self.restart()
        self.recover()

    def attribute(self, spans: Iterable[OracleSpan]) -> None:
        """One round over the traces of these spans."""
        traces = sorted({(span.project, span.trace_id) for span in spans})
        found = attribution.find(self.client, traces) if traces else []
        attribution.correct_doubts(self.client, found)

    def _processed(self, requests: Sequence[Sequence[OracleSpan]]) -> SpanBatch:
        decoded = decode([body(spans) for spans in requests], [self.project] * len(requests))
        batch = self._processor.process(decoded.batch)
        if self.remembers:
            forgotten = Forgotten(lambda count: None)
            forgotten.look(self.client)
            batch = next(iter(forgotten.without(self.client, [batch])), batch.filter(pa.array([False] * len(batch))))
        return batch

    def recover(self) -> None:
        """What a receiver does that starts, or whose insert has failed: it looks after what was left behind."""
        now = attribution.server_time(self.client)
        left = attribution.left_behind(self.client)
        attribution.correct_doubts(self.client, attribution.doubtful(self.client, left))
        attribution.record_all(self.client, "tests", now)


def insert(client: Client, batch: SpanBatch, table: str = TABLE) -> None:
    rows.insert(client, table, rows.arrow_stream([batch]), inserts.settings(client))
    rows.insert_evaluations(client, [batch], inserts.settings(client))


def _that_reaches(client: Client, targets: Sequence[str], instead: str = "") -> str:
    """A table that keeps nothing, and whose views fill these targets, or one `instead`, as `otel_traces` has them."""
    name = "_".join(("broken_off", *targets, instead))
    client.command(f"CREATE TABLE IF NOT EXISTS {name} AS {TABLE} ENGINE = Null")
    for target in targets:
        query = "SELECT as_select FROM system.tables WHERE database = currentDatabase() AND name = {name:String}"
        [[select]] = client.query(query, {"name": f"{target}_mv"}).result_rows
        select = re.sub(rf"FROM \w+\.{TABLE}\b", f"FROM {name}", select)
        client.command(f"CREATE MATERIALIZED VIEW IF NOT EXISTS {name}_{target} TO {instead or target} AS {select}")
    return name


def _insert_facts(client: Client, batch: SpanBatch) -> None:
    """Stores the rows alone, which no view is told."""
    name = "broken_off_facts"
    client.command(f"CREATE OR REPLACE TABLE {name} AS {TABLE}")
    insert(client, batch, name)
    _attach(client, name, TABLE)


def _insert_turns(client: Client, batch: SpanBatch) -> None:
    """Stores what is summed of the rows alone, which no view is told."""
    name = "broken_off_turns"
    client.command(f"CREATE OR REPLACE TABLE {name} AS _session_turns")
    source = _that_reaches(client, ["_session_turns"], name)
    insert(client, batch, source)
    _attach(client, name, "_session_turns")


def _attach(client: Client, name: str, table: str) -> None:
    of_table = "active AND database = currentDatabase() AND table = {t:String}"
    query = f"SELECT DISTINCT partition_id FROM system.parts WHERE {of_table}"
    for (partition,) in client.query(query, {"t": name}).result_rows:
        client.command(f"ALTER TABLE {table} ATTACH PARTITION ID '{partition}' FROM {name}")


def deliver(
    client: Client, spans: Sequence[OracleSpan], rnd: random.Random, receivers: int = 2, *, remembers: bool = False
) -> None:
    """Sends every span at least once: shuffled, split, some twice, over several receivers that restart now and then.

    Some are killed while they store, and what they had answered is stored later, as from a log.
    """
    project = spans[0].project
    fleet = [Receiver(client, project, remembers) for _ in range(receivers)]
    line = [*spans, *(replace(span) for span in spans if rnd.random() < 0.3)]
    rnd.shuffle(line)
    most = max(8, len(line) // 4)
    while line:
        size = rnd.randint(1, most)
        parcel, line = line[:size], line[size:]
        receiver = rnd.choice(fleet)
        cut = rnd.randint(0, len(parcel))
        requests = [part for part in (parcel[:cut], parcel[cut:]) if part]
        if rnd.random() < 0.15:
            receiver.break_off(requests, rnd.choice(REACHED))
            place = rnd.randint(0, len(line))
            line[place:place] = parcel
            continue
        receiver.take(requests)
        if rnd.random() < 0.3:
            receiver.attribute(parcel)
        if rnd.random() < 0.2:
            receiver.restart()
    fleet[0].attribute(spans)
