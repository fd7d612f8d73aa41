"""Rotel, a collector of other make, between the SDK and the service: its batches are its own, the sessions ours."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import set_span_in_context

from tests import installing
from tests.integration.clients import landing
from tests.integration.running import ANSWER_S, Running, free_port, wait_until

pytestmark = pytest.mark.timeout(installing.TEST_S)
SESSIONS, TURNS = 3, 20
MODEL = "gpt-4o"
CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": MODEL,
    "gen_ai.usage.input_tokens": 3,
    "gen_ai.usage.output_tokens": 4,
    "gen_ai.prompt": "Does it rain?",
    "gen_ai.completion": "It rains.",
}


@pytest.fixture(scope="module", params=["grpc", "http"])
def forwarding(
    request: pytest.FixtureRequest, listening: Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The protocol by which Rotel forwards, and the endpoint that it takes OTLP/gRPC at."""
    cached = Path(request.config.cache.mkdir("client-rotel"))
    command = installing.python(cached, "rotel")
    found = [*command, "-c", "import rotel.agent; print(rotel.agent.Agent.agent_path)"]
    agent = subprocess.run(found, check=True, capture_output=True, text=True, timeout=ANSWER_S).stdout.strip()
    taken = {name: f"127.0.0.1:{free_port()}" for name in ("GRPC", "HTTP")}
    directory = tmp_path_factory.mktemp("rotel")
    settings = {
        **{f"ROTEL_OTLP_{name}_ENDPOINT": endpoint for name, endpoint in taken.items()},
        "ROTEL_EXPORTER": "otlp",
        "ROTEL_OTLP_EXPORTER_ENDPOINT": f"http://{listening.endpoints[f'otlp/{request.param}']}",
        "ROTEL_OTLP_EXPORTER_PROTOCOL": request.param,
        "ROTEL_BATCH_MAX_SIZE": "7",
    }
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            [agent, "start"], cwd=directory, env={**os.environ, **settings}, stdout=log, stderr=log
        )
    try:
        wait_until(lambda: accepts(taken["GRPC"]) or process.poll() is not None, ANSWER_S)
        assert process.poll() is None, (directory / "log").read_text()
        yield request.param, taken["GRPC"]
    finally:
        process.terminate()
        process.wait(ANSWER_S)


def accepts(endpoint: str) -> bool:
    host, port = endpoint.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def send(endpoint: str, prefix: str) -> None:
    """Turns of sessions, one span a request, children first; only every root says which session it is of."""
    provider = TracerProvider(resource=Resource({"service.name": "client"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=True)))
    tracer = provider.get_tracer("app")
    for _ in range(TURNS):
        for number in range(SESSIONS):
            root = tracer.start_span("turn", attributes={"session.id": f"{prefix} {number}", "user.id": "ada"})
            tracer.start_span("call", set_span_in_context(root), attributes=CALL).end()
            root.end()
    provider.shutdown()


def test_what_goes_through_it_is_counted_once(listening: Running, forwarding: tuple[str, str]) -> None:
    protocol, endpoint = forwarding
    send(endpoint, prefix := f"rotel-{protocol}")
    query = "SELECT sum(SpanCount) FROM sessions WHERE startsWith(SessionId, {prefix:String})"
    wait_until(lambda: listening.sql(query, prefix=prefix), ANSWER_S, lambda rows: rows == [[2 * SESSIONS * TURNS]])
    figures = [TURNS, 2 * TURNS, 0, ["ada"], ["client"], [], [MODEL], 3 * TURNS, 4 * TURNS, 7 * TURNS, 1]
    assert landing.sessions(listening, prefix) == [[f"{prefix} {number}", *figures] for number in range(SESSIONS)]
    turn = ["turn", 2, "ada", "Does it rain?", "It rains.", [MODEL], 3, 4]
    assert landing.turns(listening, f"{prefix} 0") == [turn] * TURNS
    query = "SELECT count(), uniqExact(SpanId) FROM session_spans WHERE startsWith(SessionId, {prefix:String})"
    assert listening.sql(query, prefix=prefix) == [[2 * SESSIONS * TURNS] * 2]
