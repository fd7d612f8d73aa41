from __future__ import annotations

from typing import Any

import pytest

from otel_sessions.genai.config import GenAiConfig, SummarySpan
from otel_sessions.pdata.otlp import decode
from otel_sessions.processors.genai import GenAiProcessor
from otel_sessions.testing.otlp import Attributes, Value, request, resource_spans, span

PYTHON: Attributes = {"telemetry.sdk.language": "python"}
ADK = "gcp.vertex.agent"
TOKENS: dict[str, Value] = {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 2}
CALL: dict[str, Value] = {"gen_ai.request.model": "gemini-2.5-flash", **TOKENS}


def _counted(
    *,
    name: str = "call_llm",
    scope: tuple[str, str] = (ADK, "1.24.0"),
    resource: Attributes = PYTHON,
    attributes: Attributes = CALL,
    **config: Any,
) -> int:
    """The tokens of a span of this name, scope and resource, in a batch with one that counts 7."""
    other = resource_spans(span(attributes=CALL), resource={"telemetry.sdk.language": "go"})
    asked = resource_spans(span(name, attributes=attributes), resource=resource, scope=scope)
    batch = decode([request(other, asked).SerializeToString()], ["default"]).batch
    first, second = GenAiProcessor(GenAiConfig(**config)).process(batch)["TotalTokens"].to_pylist()
    assert first == 7
    return int(second)


@pytest.mark.parametrize("version", ["1.24", "1.24.0", "1.24.1", "1.100.0", "2.0.0b1", "2", "10.0"])
def test_a_call_of_google_adk_that_has_a_call_below_it_is_not_counted(version: str) -> None:
    assert _counted(scope=(ADK, version)) == 0


@pytest.mark.parametrize("version", ["1.23.0", "1.9.9", "0.5", "", "dev"])
def test_a_call_of_google_adk_that_is_the_only_span_of_its_call_is_counted(version: str) -> None:
    assert _counted(scope=(ADK, version)) == 7


@pytest.mark.parametrize("resource", [{}, {"telemetry.sdk.language": "nodejs"}])
def test_google_adk_in_another_language_has_no_other_span_of_the_call(resource: Attributes) -> None:
    assert _counted(scope=(ADK, "2.0.0"), resource=resource) == 7


def test_the_call_below_it_is_counted() -> None:
    call: Attributes = {"gen_ai.operation.name": "generate_content", **CALL}
    assert _counted(name="generate_content gemini-2.5-flash", attributes=call) == 7


def test_a_kind_of_step_decides_before_the_name_of_a_span() -> None:
    assert _counted(attributes={"openinference.span.kind": "LLM", **CALL}) == 7


def test_spans_that_sum_up_are_configuration() -> None:
    asking = SummarySpan(scope="acme", name="ask")
    assert _counted(summary_spans=[]) == 7
    assert _counted(summary_spans=[asking]) == 7
    assert _counted(summary_spans=[asking], name="ask", scope=("acme", "")) == 0
    assert _counted(summary_spans=[asking], name="answer", scope=("acme", "")) == 7


@pytest.mark.parametrize("since", ["v1", "1.", "1.2.x", "1" * 10])
def test_a_version_is_numbers_with_points_between(since: str) -> None:
    with pytest.raises(ValueError, match="since"):
        SummarySpan(scope="acme", name="ask", since=since)


@pytest.mark.parametrize("operation", ["multiagent_chat", "agentic_completion", "reagent_lookup", "workflowless_chat"])
def test_letters_within_a_word_make_no_agent_of_an_unknown_operation(operation: str) -> None:
    assert _counted(attributes={"gen_ai.operation.name": operation, **CALL}) == 7


@pytest.mark.parametrize(
    "operation",
    [
        *("invoke_agent", "create_agent", "Agent", "agent_run", "run_agent", "ainvoke_agent", "invoke_agent_stream"),
        *("InvokeAgent", "agent.execute", "crew.agent", "agents"),
        *("invoke_workflow", "workflow", "workflow.run", "run_workflow"),
    ],
)
def test_what_agents_and_workflows_do_is_no_call(operation: str) -> None:
    assert _counted(attributes={"gen_ai.operation.name": operation, **CALL}) == 0
