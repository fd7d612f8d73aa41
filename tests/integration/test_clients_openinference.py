"""OpenInference's instrumentation of the OpenAI client, its sessions and its context, read back by SQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import installing
from tests.integration.clients import landing
from tests.integration.clients.openai_server import ANSWER, MODEL
from tests.integration.running import Running

pytestmark = pytest.mark.timeout(installing.TEST_S)
REQUIREMENTS = ("openai", "openinference-instrumentation-openai", "opentelemetry-exporter-otlp-proto-http")
PROGRAM = Path(__file__).parent / "clients" / "with_openinference.py"


@pytest.fixture(scope="module")
def sent(request: pytest.FixtureRequest, listening: Running) -> Running:
    command = installing.python(Path(request.config.cache.mkdir("client-openinference")), *REQUIREMENTS)
    landing.run(listening, [*command, str(PROGRAM)])
    return listening


def test_its_sessions_have_the_figures_of_the_calls_alone(sent: Running) -> None:
    assert landing.sessions(sent, "openinference") == [
        ["openinference attributes", 1, 2, 0, ["bob"], ["client"], ["chat", "test"], [MODEL], 12, 5, 17, 1],
        ["openinference session", 2, 2, 0, ["ada"], ["client"], [], [MODEL], 24, 10, 34, 1],
    ]


def test_its_turns_have_the_words_of_user_and_model_streamed_or_not(sent: Running) -> None:
    assert landing.turns(sent, "openinference session") == [
        ["ChatCompletion", 1, "ada", "Does it rain?", ANSWER, [MODEL], 12, 5],
        ["ChatCompletion", 1, "ada", "And in Oslo?", ANSWER, [MODEL], 12, 5],
    ]
    assert landing.turns(sent, "openinference attributes") == [
        ["chain", 2, "bob", "Does it rain?", ANSWER, [MODEL], 12, 5]
    ]


def test_the_call_below_a_chain_brings_the_session_and_the_tokens(sent: Running) -> None:
    columns = "SpanName, SessionSource, Model, Input, Output, InputTokens, OutputTokens"
    assert landing.spans(sent, "openinference attributes", columns) == [
        ["chain", "trace", "", "", "", 0, 0],
        ["ChatCompletion", "span", MODEL, "Does it rain?", ANSWER, 12, 5],
    ]
