"""Attribute keys, each with its source; the defaults of configuration lists, never used past configuration.

Within a list the first key that holds a value wins. `PREFIX.N.*` is a family: messages flattened into keys that count
them. `EVENT#KEY` is an attribute of a span event. Where a number stands in a JSON object, `KEY#MEMBER` is its member,
`KEY#OUTER.INNER` one further down, `KEY#*` the sum of all its members, and `KEY#*PART*` the sum of those with PART in
their name, where the object has a `total` that is enough for all its members.
"""

from __future__ import annotations

from typing import Final

SERVICE_NAME: Final = "service.name"  # OpenTelemetry semantic conventions, resource
SDK_LANGUAGE: Final = "telemetry.sdk.language"  # OpenTelemetry semantic conventions, resource
IS_APP_ROOT: Final = "langfuse.internal.is_app_root"  # Langfuse SDK

SESSION_ID: Final = "session.id"  # OpenTelemetry semantic conventions, OpenInference, Langfuse SDK
CONVERSATION_ID: Final = "gen_ai.conversation.id"  # OpenTelemetry semantic conventions, generative AI
USER_ID: Final = "user.id"  # OpenTelemetry semantic conventions, OpenInference, Langfuse SDK
TRACE_NAME: Final = "langfuse.trace.name"  # Langfuse SDK
TRACE_TAGS: Final = "langfuse.trace.tags"  # Langfuse SDK
TRACE_INPUT: Final = "langfuse.trace.input"  # Langfuse SDK
TRACE_OUTPUT: Final = "langfuse.trace.output"  # Langfuse SDK

TRACE_METADATA: Final = "langfuse.trace.metadata"  # Langfuse SDK; `.KEY` below it
TRACE_VERSION: Final = "langfuse.version"  # Langfuse SDK
TRACE_RELEASE: Final = "langfuse.release"  # Langfuse SDK
TRACE_PUBLIC: Final = "langfuse.trace.public"  # Langfuse SDK
ENVIRONMENT: Final = "langfuse.environment"  # Langfuse SDK
SESSION_PREVIOUS_ID: Final = "session.previous_id"  # OpenTelemetry semantic conventions
SESSION_START: Final = "session.start"  # OpenTelemetry semantic conventions, event
SESSION_END: Final = "session.end"  # OpenTelemetry semantic conventions, event

OBSERVATION_TYPE: Final = "langfuse.observation.type"  # Langfuse SDK, as those below
OBSERVATION_INPUT: Final = "langfuse.observation.input"
OBSERVATION_OUTPUT: Final = "langfuse.observation.output"
OBSERVATION_METADATA: Final = "langfuse.observation.metadata"  # `.KEY` below it
OBSERVATION_LEVEL: Final = "langfuse.observation.level"
OBSERVATION_STATUS_MESSAGE: Final = "langfuse.observation.status_message"
USAGE_DETAILS: Final = "langfuse.observation.usage_details"
COST_DETAILS: Final = "langfuse.observation.cost_details"
MODEL_PARAMETERS: Final = "langfuse.observation.model.parameters"
COMPLETION_START_TIME: Final = "langfuse.observation.completion_start_time"
PROMPT_NAME: Final = "langfuse.observation.prompt.name"
PROMPT_VERSION: Final = "langfuse.observation.prompt.version"
REQUEST_MODEL: Final = "gen_ai.request.model"  # OpenTelemetry semantic conventions, generative AI
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"  # OpenTelemetry semantic conventions, generative AI
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"  # OpenTelemetry semantic conventions, generative AI

SESSION_KEYS: Final = (
    SESSION_ID,
    "langfuse.session.id",  # Langfuse
    "traceloop.association.properties.session_id",  # OpenLLMetry
    "langfuse.trace.metadata.langfuse_session_id",  # Langfuse, from LangChain metadata
    "langfuse.observation.metadata.langfuse_session_id",  # the same on an observation
    "ai.telemetry.metadata.sessionId",  # Vercel AI SDK
    "ai.telemetry.metadata.session_id",
    "ai.settings.context.sessionId",  # Vercel AI SDK, version 7
    "lmnr.association.properties.session_id",  # Laminar
    "langsmith.metadata.session_id",  # LangSmith
    "mlflow.trace.session",  # MLflow
    "mlflow.traceTag.session.id",
    "gen_ai.session.id",  # in use, not in the conventions
    "session_id",  # in use
    "$ai_session_id",  # PostHog
    "coding_agent.session.id",  # coding agents
    "rum.sessionId",  # Splunk RUM
)
CONVERSATION_KEYS: Final = (
    CONVERSATION_ID,
    "langsmith.metadata.conversation_id",  # LangSmith
    "langsmith.metadata.thread_id",
    "traceloop.association.properties.conversation_id",  # OpenLLMetry
    "traceloop.association.properties.thread_id",
    "traceloop.association.properties.chat_id",
    "gcp.vertex.agent.session_id",  # Google ADK
    "thread_id",  # LangGraph
)
USER_KEYS: Final = (
    USER_ID,
    "langfuse.user.id",  # Langfuse
    "enduser.id",  # OpenTelemetry semantic conventions
    "traceloop.association.properties.user_id",  # OpenLLMetry
    "ai.telemetry.metadata.userId",  # Vercel AI SDK
    "lmnr.association.properties.user_id",  # Laminar
    "mlflow.trace.user",  # MLflow
    "langsmith.metadata.user_id",  # LangSmith
    "posthog.distinct_id",  # PostHog
    "langfuse.trace.metadata.langfuse_user_id",  # Langfuse, from LangChain metadata
    "langfuse.observation.metadata.langfuse_user_id",
    "ai.settings.context.userId",  # Vercel AI SDK, version 7
    "user_id",  # in use
)
TAG_KEYS: Final = (
    TRACE_TAGS,
    "tag.tags",  # OpenInference
    "langsmith.span.tags",  # LangSmith
    "ai.telemetry.metadata.tags",  # Vercel AI SDK
)
ENVIRONMENT_KEYS: Final = (
    ENVIRONMENT,
    "deployment.environment.name",  # OpenTelemetry semantic conventions, resource
    "deployment.environment",  # the same before version 1.27
)
TRACE_NAME_KEYS: Final = (
    TRACE_NAME,
    "traceloop.workflow.name",  # OpenLLMetry: the name given to @workflow, on all spans below it
)
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

MODEL_KEYS: Final = (
    "langfuse.observation.model.name",  # Langfuse SDK
    "gen_ai.response.model",  # OpenTelemetry semantic conventions, generative AI
    "gen_ai.request.model",
    "llm.model_name",  # OpenInference
    "ai.model.id",  # Vercel AI SDK
    "llm.response.model",  # in use
    "mlflow.llm.model",  # MLflow
    "embedding.model_name",  # OpenInference
    "$ai_model",  # PostHog
)
PROVIDER_KEYS: Final = (
    "gen_ai.provider.name",  # OpenTelemetry semantic conventions, generative AI
    "gen_ai.system",  # the same before version 1.37
    "llm.provider",  # OpenInference
    "llm.system",
    "ai.model.provider",  # Vercel AI SDK
    "mlflow.llm.provider",  # MLflow
    "$ai_provider",  # PostHog
)
# Models at home: nobody is paid by the token, whatever the model is called.
FREE_PROVIDERS: Final = ("ollama", "vllm", "lmstudio", "lm_studio", "llamacpp", "llama.cpp", "localai")
STEP_KIND_KEYS: Final = (
    "langfuse.observation.type",  # Langfuse SDK
    "openinference.span.kind",  # OpenInference
    "gen_ai.operation.name",  # OpenTelemetry semantic conventions, generative AI
    "traceloop.span.kind",  # OpenLLMetry
)
MODEL_CALL_KINDS: Final = (
    "generation",  # Langfuse
    "embedding",  # Langfuse, OpenInference
    "llm",  # OpenInference
    "chat",  # OpenTelemetry semantic conventions, generative AI, as those below
    "text_completion",
    "generate_content",
    "embeddings",
)
# `KEY`, or `KEY=VALUE`: what marks a span without a kind of step as a summary of the calls below it.
SUMMARY_MARKS: Final = (
    "gen_ai.aggregated_usage.input_tokens",  # Pydantic AI, on agent runs
    "gen_ai.aggregated_usage.output_tokens",
    # Vercel AI SDK: the calls themselves are ai.generateText.doGenerate and the like.
    "ai.operationId=ai.generateText",
    "ai.operationId=ai.streamText",
    "ai.operationId=ai.generateObject",
    "ai.operationId=ai.streamObject",
    "ai.operationId=ai.embed",
    "ai.operationId=ai.embedMany",
)
# Language of the SDK, scope, name, and the version of the scope from which on such spans sum up the calls below them,
# where they have no kind of step.
SUMMARY_SPANS: Final = (
    # Google ADK: from this version on each of them has a `generate_content` span below it, its own or that of the
    # instrumentation of google-genai, with the same usage. Before, and in JavaScript, it is the only span of the call.
    ("python", "gcp.vertex.agent", "call_llm", "1.24"),
)

INPUT_TOKEN_KEYS: Final = (
    "gen_ai.usage.input_tokens",  # OpenTelemetry semantic conventions, generative AI
    "gen_ai.usage.prompt_tokens",  # the same before version 1.27
    "llm.token_count.prompt",  # OpenInference
    "ai.usage.promptTokens",  # Vercel AI SDK
    "ai.usage.inputTokens",  # the same from version 5 on
    "ai.usage.tokens",  # the same for embeddings
    "langfuse.observation.usage_details#*input*",  # Langfuse SDK, for LangChain: cached ones beside the others
    "langfuse.observation.usage_details#input",  # Langfuse SDK
    "langfuse.observation.usage_details#prompt_tokens",
    "langfuse.observation.usage_details#input_tokens",
    "mlflow.chat.tokenUsage#input_tokens",  # MLflow
    "$ai_input_tokens",  # PostHog
)
OUTPUT_TOKEN_KEYS: Final = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.completionTokens",
    "ai.usage.outputTokens",
    "langfuse.observation.usage_details#*output*",
    "langfuse.observation.usage_details#output",
    "langfuse.observation.usage_details#completion_tokens",
    "langfuse.observation.usage_details#output_tokens",
    "mlflow.chat.tokenUsage#output_tokens",
    "$ai_output_tokens",
)
# Only where neither of the two above is known.
TOTAL_TOKEN_KEYS: Final = (
    "gen_ai.usage.total_tokens",  # in use, not in the conventions
    "llm.usage.total_tokens",  # OpenLLMetry
    "llm.token_count.total",  # OpenInference
    "ai.usage.totalTokens",  # Vercel AI SDK
    "langfuse.observation.usage_details#total",  # Langfuse SDK
    "langfuse.observation.usage_details#total_tokens",
    "mlflow.chat.tokenUsage#total_tokens",  # MLflow
)
# Parts of the input and of the output, not added to them.
CACHED_INPUT_TOKEN_KEYS: Final = (
    "gen_ai.usage.cache_read.input_tokens",  # OpenTelemetry semantic conventions, generative AI
    "gen_ai.usage.cache_read_input_tokens",  # OpenLLMetry, Laminar
    "gen_ai.usage.details.cache_read_tokens",  # Pydantic AI
    "llm.token_count.prompt_details.cache_read",  # OpenInference
    "ai.usage.cachedInputTokens",  # Vercel AI SDK
    "langfuse.observation.usage_details#input_cached_tokens",  # Langfuse SDK
    "langfuse.observation.usage_details#input_cache_read",  # the same for LangChain
    "langfuse.observation.usage_details#prompt_tokens_details.cached_tokens",  # the same for OpenAI
    "langfuse.observation.usage_details#input_tokens_details.cached_tokens",
    "langfuse.observation.usage_details#cache_read_input_tokens",
    "mlflow.chat.tokenUsage#cache_read_input_tokens",  # MLflow
    "langsmith.metadata.usage_metadata#input_token_details.cache_read",  # LangSmith
    "$ai_cache_read_input_tokens",  # PostHog
)
CACHE_CREATION_INPUT_TOKEN_KEYS: Final = (
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "llm.token_count.prompt_details.cache_write",
    "langfuse.observation.usage_details#cache_creation_input_tokens",
    "langfuse.observation.usage_details#input_cache_creation",
    "mlflow.chat.tokenUsage#cache_creation_input_tokens",
    "langsmith.metadata.usage_metadata#input_token_details.cache_creation",
    "$ai_cache_creation_input_tokens",
)
REASONING_TOKEN_KEYS: Final = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.reasoningTokens",
    "langfuse.observation.usage_details#output_reasoning_tokens",
    "langfuse.observation.usage_details#output_reasoning",
    "langfuse.observation.usage_details#completion_tokens_details.reasoning_tokens",
    "langfuse.observation.usage_details#output_tokens_details.reasoning_tokens",
    "langsmith.metadata.usage_metadata#output_token_details.reasoning",
    "$ai_reasoning_tokens",
)
COST_KEYS: Final = (
    "langfuse.observation.cost_details#total",  # Langfuse SDK
    "langfuse.observation.cost_details#*",
    "gen_ai.usage.cost",  # OpenLIT, Langfuse
    "llm.cost.total",  # OpenInference
    "operation.cost",  # Logfire, Pydantic AI
    "mlflow.llm.cost#total_cost",  # MLflow
    "mlflow.llm.cost#total",
    "$ai_total_cost_usd",  # PostHog
)

# Below these, text may arrive JSON-encoded: the id abc as "abc", with its quotes.
JSON_ENCODED_PREFIXES: Final = (
    "langfuse.trace.metadata.",  # Langfuse SDK
    "langfuse.observation.metadata.",
    "ai.telemetry.metadata.",  # Vercel AI SDK
    "langsmith.metadata.",  # LangSmith
    "mlflow.",  # MLflow encodes every attribute
    "traceloop.entity.",  # OpenLLMetry
)

SCRUBBED_PREFIXES: Final = ("[Scrubbed due to",)  # Logfire: what stands in the place of a scrubbed value
