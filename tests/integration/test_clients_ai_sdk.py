"""The Vercel AI SDK with a mock model of its own, by the gRPC exporter for JavaScript, read back by SQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import installing
from tests.integration.clients import landing
from tests.integration.running import Running

pytestmark = pytest.mark.timeout(installing.TEST_S)
FILES = [Path(__file__).parent / "clients" / name for name in ("package.json", "with_ai_sdk.mjs")]
ANSWER, MODEL = "It rains in Oslo.", "gpt-4o"
CALL = 'weather({"city":"Oslo"})'


@pytest.fixture(scope="module")
def sent(request: pytest.FixtureRequest, listening: Running) -> Running:
    directory = Path(request.config.cache.mkdir("client-ai-sdk"))
    command = installing.javascript(directory, *FILES)
    landing.run(listening, [*command, str(directory / "with_ai_sdk.mjs")])
    return listening


def test_its_sessions_have_the_usage_of_each_call_once(sent: Running) -> None:
    tags = ["chat", "test"]
    assert landing.sessions(sent, "ai-sdk") == [
        ["ai-sdk text", 2, 4, 0, ["ada"], ["client"], tags, [MODEL], 24, 10, 34, 1],
        ["ai-sdk tools", 1, 4, 0, ["bob"], ["client"], tags, [MODEL], 24, 10, 34, 1],
    ]


def test_its_turns_have_the_words_of_user_and_model_streamed_or_not(sent: Running) -> None:
    assert landing.turns(sent, "ai-sdk text") == [
        ["ai.generateText", 2, "ada", "Does it rain?", ANSWER, [MODEL], 12, 5],
        ["ai.streamText", 2, "ada", "And in Oslo?", ANSWER, [MODEL], 12, 5],
    ]
    assert landing.turns(sent, "ai-sdk tools") == [
        ["ai.generateText", 4, "bob", "Does it rain?", ANSWER, [MODEL], 24, 10]
    ]


def test_its_steps_with_a_tool_are_told_apart(sent: Running) -> None:
    columns = "SpanName, SessionSource, Input, Output, InputTokens, OutputTokens"
    assert landing.spans(sent, "ai-sdk tools", columns) == [
        ["ai.generateText", "span", "Does it rain?", ANSWER, 0, 0],
        ["ai.generateText.doGenerate", "span", "Does it rain?", CALL, 12, 5],
        ["ai.toolCall", "span", '{"city":"Oslo"}', '"rain"', 0, 0],
        ["ai.generateText.doGenerate", "span", "Does it rain?", ANSWER, 12, 5],
    ]
