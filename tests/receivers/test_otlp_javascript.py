"""The receiver `otlp` under the OpenTelemetry SDK for JavaScript, which sends JSON unless it is told otherwise."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from otel_sessions.pdata import decode
from otel_sessions.testing.consumers import RecordingConsumer
from tests import installing

pytestmark = pytest.mark.timeout(installing.TEST_S)
PROGRAM = Path(__file__).with_name("javascript")


@pytest.fixture(scope="session")
def javascript(request: pytest.FixtureRequest) -> Path:
    """A directory with the program and what it needs, which the cache of pytest keeps."""
    directory = Path(request.config.cache.mkdir("otlp-javascript"))
    installing.javascript(directory, *PROGRAM.iterdir())
    return directory


def sent(javascript: Path, endpoint: str, consumer: RecordingConsumer, encoding: str, compression: str) -> bytes:
    command = ["node", "send.mjs", encoding, f"http://{endpoint}/v1/traces", compression]
    subprocess.run(command, cwd=javascript, check=True, timeout=60)
    return consumer.bodies[-1]


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_its_JSON_and_its_protobuf_are_the_same_spans(javascript, start_http, consumer, compression):
    endpoint = start_http(consumer).endpoint
    bodies = [sent(javascript, endpoint, consumer, encoding, compression) for encoding in ("json", "protobuf")]
    json, protobuf = (decode([body], ["p"]) for body in bodies)
    assert len(bodies) == len(consumer.bodies) == 2
    assert (json.results[0].accepted_spans, json.results[0].message) == (2, "")
    assert json.batch.record.equals(protobuf.batch.record)
    assert json.batch["SpanName"].to_pylist() == ["generation", "chat"]
    assert dict(json.batch["SpanAttributes"].to_pylist()[0])["session.id"] == "chat-42 😀"
    assert json.batch["Links.TraceId"].to_pylist() == [["f" * 32], []]
