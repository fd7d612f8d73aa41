"""OpenLLMetry: Traceloop's SDK and its instrumentation of the OpenAI client, over HTTP and gRPC, read back by SQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import installing
from tests.integration.clients import landing
from tests.integration.clients.openai_server import ANSWER, MODEL
from tests.integration.running import Running

pytestmark = pytest.mark.timeout(installing.TEST_S)
PROGRAM = Path(__file__).parent / "clients" / "with_openllmetry.py"
REQUIREMENTS = (
    "openai",
    "opentelemetry-instrumentation-openai",
    "opentelemetry-instrumentation-logging",
    "opentelemetry-instrumentation-threading",
    "opentelemetry-exporter-otlp-proto-grpc",
    "opentelemetry-exporter-otlp-proto-http",
    *("aiohttp", "colorama", "cuid", "deprecated", "httpx", "jinja2", "pydantic", "tenacity"),
)
"""What the SDK needs, but for its instrumentations of forty other libraries."""
ASKED = '{"args": ["Does it rain?"], "kwargs": {}}'


@pytest.fixture(scope="module", params=["http", "grpc"])
def sent(request: pytest.FixtureRequest, listening: Running) -> tuple[Running, str]:
    """The service, and the beginning of the names of the sessions that came by this protocol."""
    directory = Path(request.config.cache.mkdir("client-openllmetry"))
    command = installing.python(directory, *REQUIREMENTS, alone=["traceloop-sdk"])
    endpoint = f"{request.param}://{listening.endpoints[f'otlp/{request.param}']}"
    landing.run(listening, [*command, str(PROGRAM)], SENT_TO=endpoint, TRACELOOP_METRICS_ENABLED="false")
    return listening, f"openllmetry {request.param}"


def test_its_sessions_have_the_figures_of_the_calls_alone(sent: tuple[Running, str]) -> None:
    service, prefix = sent
    assert landing.sessions(service, prefix) == [
        [f"{prefix} calls", 2, 2, 0, ["bob"], ["client"], [], [MODEL], 24, 10, 34, 1],
        [f"{prefix} workflow", 1, 3, 0, ["ada"], ["client"], [], [MODEL], 12, 5, 17, 1],
    ]


def test_its_turns_have_the_words_of_user_and_model_streamed_or_not(sent: tuple[Running, str]) -> None:
    service, prefix = sent
    assert landing.turns(service, f"{prefix} calls") == [
        ["openai.chat", 1, "bob", "Does it rain?", ANSWER, [MODEL], 12, 5],
        ["openai.chat", 1, "bob", "And in Oslo?", ANSWER, [MODEL], 12, 5],
    ]


def test_a_workflow_is_a_turn_under_its_own_name(sent: tuple[Running, str]) -> None:
    service, prefix = sent
    assert landing.turns(service, f"{prefix} workflow") == [["chat", 3, "ada", ASKED, ANSWER, [MODEL], 12, 5]]


def test_the_session_that_is_set_within_a_workflow_is_on_all_its_spans(sent: tuple[Running, str]) -> None:
    service, prefix = sent
    columns = "SpanName, SessionSource, ClaimKey, Model, Input, Output, InputTokens, OutputTokens"
    key = "traceloop.association.properties.session_id"
    assert landing.spans(service, f"{prefix} workflow", columns) == [
        ["chat.workflow", "span", key, "", ASKED, ANSWER, 0, 0],
        ["answer.task", "span", key, "", ASKED, ANSWER, 0, 0],
        ["openai.chat", "span", key, MODEL, "Does it rain?", ANSWER, 12, 5],
    ]
