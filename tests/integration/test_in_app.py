"""The in-app helpers and the service together: what an application says of its sessions, read back by SQL."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import yaml
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otel_sessions import SessionSpanProcessor, session, update_current_trace
from tests.integration.running import ANSWER_S, ANY, Directory, Running, config, wait_until
from tests.sdk.samples import SAMPLES, program

COUNT = "SELECT TraceCount, SpanCount, ServiceNames FROM sessions WHERE SessionId = {id:String}"
SCORED = """
from otel_sessions import configure, get_client

configure("scored")
client = get_client()
with client.start_as_current_span(name="turn") as turn:
    client.update_current_trace(session_id="scored", user_id="ada", tags=["beta"], input="hi", output="ho")
    client.score_current_trace(name="helpful", value=True)
client.flush()
client.score_session(session_id="scored", name="csat", value=4.5, comment="nice")
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with gRPC, and HTTP, which takes scores."""
    directory = Directory(tmp_path_factory.mktemp("in-app"))
    parts = yaml.safe_load(config(directory.data()))
    parts["receivers"]["otlp"]["protocols"]["http"] = {"endpoint": ANY}
    running = directory.start(yaml.safe_dump(parts))
    yield running
    assert running.stop() == 0


def run(code: str, running: Running) -> None:
    """As a program of its own, told of the service by the environment."""
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{running.endpoints['otlp/grpc']}",
            "OTEL_SESSIONS_SCORES_ENDPOINT": f"http://{running.endpoints['otlp/http']}",
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=ANSWER_S,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


class Service:
    """A tracer provider that exports to the service, of which several fit into this process."""

    def __init__(self, name: str, running: Running) -> None:
        self.provider = TracerProvider(resource=Resource({"service.name": name}), shutdown_on_exit=False)
        self.provider.add_span_processor(SessionSpanProcessor(baggage_keys=["session.id"]))
        exporter = OTLPSpanExporter(endpoint=running.endpoints["otlp/grpc"], insecure=True)
        self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self.tracer = self.provider.get_tracer("test")

    def flush(self) -> None:
        assert self.provider.force_flush()


@pytest.fixture
def front(both: Running) -> Iterator[Service]:
    made = Service("front", both)
    yield made
    made.provider.shutdown()


@pytest.fixture
def back(both: Running) -> Iterator[Service]:
    made = Service("back", both)
    yield made
    made.provider.shutdown()


@pytest.mark.parametrize(
    ("id_", "spans"),
    [("decorated", 2), ("direct", 2), ("unreferenced", 1), ("propagated", 2), ("propagated directly", 2)],
)
def test_the_samples_make_sessions_with_only_their_import_changed(both: Running, id_: str, spans: int) -> None:
    run(program(SAMPLES[id_]), both)
    wait_until(lambda: [row[:2] for row in both.sql(COUNT, id=id_)], ANSWER_S, lambda rows: rows == [[1, spans]])


def test_a_claim_gathers_what_was_exported_before_it_and_what_others_exported(
    both: Running, front: Service, back: Service
) -> None:
    with front.tracer.start_as_current_span("request"):
        front.tracer.start_span("ended before").end()
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        token_context = propagate.extract(carrier)
        back.tracer.start_span("elsewhere", token_context).end()
        front.flush()
        back.flush()
        stored = "SELECT count() FROM otel_traces WHERE SpanName IN ('ended before', 'elsewhere')"
        wait_until(lambda: both.sql(stored), ANSWER_S, lambda rows: rows == [[2]] or rows == [["2"]])
        assert both.sql(COUNT, id="claimed") == []
        update_current_trace(session_id="claimed")
        front.tracer.start_span("after").end()
    front.flush()
    wait_until(lambda: both.sql(COUNT, id="claimed"), ANSWER_S, lambda rows: bool(rows) and rows[0][1] == 4)
    assert both.sql(COUNT, id="claimed") == [[1, 4, ["back", "front"]]]
    sources = "SELECT SpanName, SessionSource FROM session_spans WHERE SessionId = 'claimed' ORDER BY SpanName"
    assert both.sql(sources) == [
        ["after", "span"],
        ["elsewhere", "trace"],
        ["ended before", "trace"],
        ["request", "span"],
    ]


def test_baggage_carries_the_session_into_another_service(both: Running, front: Service, back: Service) -> None:
    carrier: dict[str, str] = {}
    with session("carried é/☂", baggage=True):
        propagate.inject(carrier, trace.set_span_in_context(trace.INVALID_SPAN))
    back.tracer.start_span("job", propagate.extract(carrier)).end()
    back.flush()
    wait_until(lambda: both.sql(COUNT, id="carried é/☂"), ANSWER_S, lambda rows: rows == [[1, 1, ["back"]]])


def test_scores_and_what_is_said_of_a_trace_arrive(both: Running) -> None:
    run(SCORED, both)
    scores = "SELECT Name, DataType FROM session_scores WHERE SessionId = 'scored' ORDER BY Name"
    wait_until(lambda: both.sql(scores), ANSWER_S, lambda rows: rows == [["csat", "NUMERIC"], ["helpful", "BOOLEAN"]])
    turn = "SELECT UserId, Input, Output FROM session_traces WHERE SessionId = 'scored'"
    assert both.sql(turn) == [["ada", "hi", "ho"]]
    assert both.sql("SELECT Tags FROM sessions WHERE SessionId = 'scored'") == [[["beta"]]]
