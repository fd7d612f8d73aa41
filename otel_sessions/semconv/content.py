# SPDX-License-Identifier: Apache-2.0
"""What went in and what came out: where clients write inputs and outputs, as attributes and as events."""

from __future__ import annotations

from typing import Final

from otel_sessions.semconv import TRACE_INPUT, TRACE_OUTPUT

TRACE_INPUT_KEYS: Final = (TRACE_INPUT,)
TRACE_OUTPUT_KEYS: Final = (TRACE_OUTPUT,)
INPUT_KEYS: Final = (
    "langfuse.observation.input",  # Langfuse SDK
    "input.value",  # OpenInference
    "gen_ai.input.messages",  # OpenTelemetry semantic conventions, generative AI
    "gen_ai.prompt",  # the same before version 1.28
    "gen_ai.prompt.N.*",  # OpenLLMetry, Laminar
    "llm.input_messages.N.*",  # OpenInference
    "ai.prompt.messages",  # Vercel AI SDK
    "ai.prompt",
    "traceloop.entity.input",  # OpenLLMetry
    "mlflow.spanInputs",  # MLflow
    "pydantic_ai.all_messages",  # Pydantic AI
    "gen_ai.tool.call.arguments",  # OpenTelemetry semantic conventions, generative AI
    "all_messages_events",  # Pydantic AI before version 1
    "lmnr.span.input",  # Laminar
    "gcp.vertex.agent.llm_request",  # Google ADK
    "gcp.vertex.agent.tool_call_args",
    "ai.toolCall.args",  # Vercel AI SDK
    "$ai_input",  # PostHog
    "tool_arguments",  # Pydantic AI before version 1
    "lk.user_input",  # LiveKit
    "lk.user_transcript",
    "lk.input_text",
    "lk.chat_ctx",
    "lk.function_tool.arguments",
    "langwatch.input",  # LangWatch
    "genkit:input",  # Genkit
    "gen_ai.prompt_json",  # Cloudflare AI Gateway
)
OUTPUT_KEYS: Final = (
    "langfuse.observation.output",  # Langfuse SDK
    "output.value",  # OpenInference
    "gen_ai.output.messages",  # OpenTelemetry semantic conventions, generative AI
    "gen_ai.completion",  # the same before version 1.28
    "gen_ai.completion.N.*",  # OpenLLMetry, Laminar
    "llm.output_messages.N.*",  # OpenInference
    "ai.response.text",  # Vercel AI SDK
    "traceloop.entity.output",  # OpenLLMetry
    "mlflow.spanOutputs",  # MLflow
    "final_result",  # Pydantic AI
    "gen_ai.tool.call.result",  # OpenTelemetry semantic conventions, generative AI
    "ai.response.object",  # Vercel AI SDK
    "ai.response.toolCalls",
    "ai.toolCall.result",
    "lmnr.span.output",  # Laminar
    "gcp.vertex.agent.llm_response",  # Google ADK
    "gcp.vertex.agent.tool_response",
    "$ai_output_choices",  # PostHog
    "tool_response",  # Pydantic AI before version 1
    "ai.result.text",  # Vercel AI SDK before version 4
    "ai.result.object",
    "ai.result.toolCalls",
    "lk.response.text",  # LiveKit
    "lk.response.function_calls",
    "lk.function_tool.output",
    "langwatch.output",  # LangWatch
    "genkit:output",  # Genkit
    "gen_ai.completion_json",  # Cloudflare AI Gateway
)
# Where no attribute has any. In events that are messages the last one of a source counts.
INPUT_EVENTS: Final = (
    # OpenTelemetry semantic conventions, generative AI, before version 1.37; the second key of each as Azure writes it
    "gen_ai.user.message#content",
    "gen_ai.user.message#gen_ai.event.content",
    "gen_ai.tool.message#content",
    "gen_ai.tool.message#gen_ai.event.content",
    "gen_ai.assistant.message#content",
    "gen_ai.assistant.message#gen_ai.event.content",
    "gen_ai.system.message#content",
    "gen_ai.system.message#gen_ai.event.content",
    "gen_ai.content.prompt#gen_ai.prompt",  # the same before version 1.28
    "gen_ai.client.inference.operation.details#gen_ai.input.messages",  # from version 1.37 on
)
OUTPUT_EVENTS: Final = (
    "gen_ai.choice#message",  # as above
    "gen_ai.choice#content",
    "gen_ai.choice#gen_ai.event.content",
    "gen_ai.choice#tool_calls",
    "gen_ai.content.completion#gen_ai.completion",
    "gen_ai.client.inference.operation.details#gen_ai.output.messages",
)

# Where the replay of a session looks for all messages of a step, and for what tools were given and gave: the first
# that has any.
MESSAGES_IN_KEYS: Final = (
    *("langfuse.observation.input", "ai.prompt.messages", "pydantic_ai.all_messages", "all_messages_events"),
    *("gcp.vertex.agent.llm_request", "$ai_input", "lk.chat_ctx", "genkit:input", "langwatch.input"),
    *("gen_ai.prompt", "input.value", "ai.prompt", "traceloop.entity.input", "mlflow.spanInputs", "lmnr.span.input"),
    *("lk.user_input", "lk.user_transcript", "lk.input_text", "user_prompt", "langfuse.trace.input"),
)
MESSAGES_OUT_KEYS: Final = (
    *("langfuse.observation.output", "gcp.vertex.agent.llm_response", "$ai_output_choices", "genkit:output"),
    *("langwatch.output", "gen_ai.completion", "output.value", "final_result", "traceloop.entity.output"),
    *("mlflow.spanOutputs", "lmnr.span.output", "langfuse.trace.output"),
)
ARGUMENTS_KEYS: Final = (
    *("gen_ai.tool.call.arguments", "tool_arguments", "ai.toolCall.args", "lk.function_tool.arguments"),
    *("gcp.vertex.agent.tool_call_args", "tool.parameters", "langfuse.observation.input", "input.value"),
    *("traceloop.entity.input", "mlflow.spanInputs", "lmnr.span.input", "genkit:input", "tool_input"),
)
RESULT_KEYS: Final = (
    *("gen_ai.tool.call.result", "tool_response", "ai.toolCall.result", "lk.function_tool.output"),
    *("gcp.vertex.agent.tool_response", "langfuse.observation.output", "output.value", "traceloop.entity.output"),
    *("mlflow.spanOutputs", "lmnr.span.output", "genkit:output", "tool_output"),
)
EVENTS_KEY: Final = "events"
"""Where Pydantic AI before version 1 writes the events of a call that are messages, as JSON."""
CALL_ID_KEYS: Final = ("gen_ai.tool.call.id", "ai.toolCall.id", "lk.function_tool.id", "tool_call.id", "tool.id")
TOOLS_KEYS: Final = (
    *("gen_ai.tool.definitions", "ai.prompt.tools", "model_request_parameters", "lk.function_tools", "$ai_tools"),
    *("mlflow.chat.tools", "gen_ai.request.tools", "llm.invocation_parameters", "gcp.vertex.agent.llm_request"),
    *("langfuse.observation.input", "input.value"),
)
