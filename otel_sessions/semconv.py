"""Attribute keys, each with its source; the defaults of configuration lists, never used past configuration.

Within a list the first key that holds a value wins. `PREFIX.N.*` is a family: messages flattened into keys that count
them. `EVENT#KEY` is an attribute of a span event. `KEY#MEMBER` is a member of the object that stands there as JSON, or
as the text of a Python dictionary, `KEY#OUTER.INNER` one further down; of numbers, `KEY#*` is the sum of all its
members, and `KEY#*PART*` the sum of those with PART in their name, where the object has a `total` that is enough for
all its members. `KEY+KEY` is the sum of two.

It is one table in one file on purpose: who looks for a key of any client finds it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

StepKind: TypeAlias = Literal[
    "model", "embedding", "tool", "agent", "retrieval", "guardrail", "evaluation", "chain", "other"
]

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
    "_ml_obs.session_id",  # Datadog
    "honeyhive.session_id",  # HoneyHive
    "eve.session.id",  # Eve
    "gen_ai.agent.session_id",  # in use; a run of an agent, for some
)
CONVERSATION_KEYS: Final = (
    CONVERSATION_ID,
    "langsmith.metadata.thread_id",  # LangSmith
    "langsmith.metadata.conversation_id",
    "traceloop.association.properties.conversation_id",  # OpenLLMetry
    "traceloop.association.properties.thread_id",
    "traceloop.association.properties.chat_id",
    "gcp.vertex.agent.session_id",  # Google ADK
    "thread_id",  # LangGraph
    "langwatch.thread.id",  # LangWatch
    "langwatch.thread_id",
    "langwatch.langgraph.thread_id",
    "langgraph.thread_id",  # LangGraph
    "wandb.thread_id",  # Weave
    "gen_ai.thread.id",  # in use
    "ai.telemetry.metadata.threadId",  # Vercel AI SDK
    "gen_ai.openai.conversation.id",  # in use, for OpenAI's Conversations
    "gen_ai.realtime_session.id",  # in use, for OpenAI's Realtime
    "conversation.id",  # in use
    "metadata.thread_id",  # LangWatch, on the resource
    "metadata#thread_id",  # OpenInference, for LangChain
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
    "langwatch.user.id",  # LangWatch
    "langwatch.user_id",
    "ai.telemetry.metadata.user_id",  # Vercel AI SDK
    "gen_ai.request.user",  # OpenLIT
    "metadata.user_id",  # LangWatch, on the resource
    "metadata#user_id",  # OpenInference, for LangChain
    "enduser.pseudo.id",  # OpenTelemetry semantic conventions
    "user.hash",
)
TAG_KEYS: Final = (
    TRACE_TAGS,
    "tag.tags",  # OpenInference
    "langsmith.span.tags",  # LangSmith
    "ai.telemetry.metadata.tags",  # Vercel AI SDK
    "langfuse.tags",  # Langfuse
    "langwatch.labels",  # LangWatch
    "langwatch.tags",
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

MODEL_KEYS: Final = (
    "langfuse.observation.model.name",  # Langfuse SDK
    "gen_ai.response.model",  # OpenTelemetry semantic conventions, generative AI
    "gen_ai.request.model",
    "llm.model_name",  # OpenInference
    "ai.response.model",  # Vercel AI SDK
    "ai.model.id",
    "llm.response.model",  # in use
    "mlflow.llm.model",  # MLflow
    "embedding.model_name",  # OpenInference
    "$ai_model",  # PostHog
    "reranker.model_name",  # OpenInference
    "_ml_obs.meta.model_name",  # Datadog
    "model",  # coding agents
    "genkit:name",  # Genkit, on spans of models
)
PROVIDER_KEYS: Final = (
    "gen_ai.provider.name",  # OpenTelemetry semantic conventions, generative AI
    "gen_ai.system",  # the same before version 1.37
    "llm.provider",  # OpenInference
    "llm.system",
    "ai.model.provider",  # Vercel AI SDK
    "mlflow.llm.provider",  # MLflow
    "$ai_provider",  # PostHog
    "_ml_obs.meta.model_provider",  # Datadog
    "gen_ai.model.provider",  # Cloudflare AI Gateway
)
# Models at home: nobody is paid by the token, whatever the model is called.
FREE_PROVIDERS: Final = (
    "ollama",
    "vllm",
    "hosted_vllm",
    "ollama_chat",
    "lmstudio",
    "lm_studio",
    "llamacpp",
    "llama.cpp",
    "localai",
)
STEP_KIND_KEYS: Final = (
    "langfuse.observation.type",  # Langfuse SDK
    "openinference.span.kind",  # OpenInference
    "gen_ai.operation.name",  # OpenTelemetry semantic conventions, generative AI
    "traceloop.span.kind",  # OpenLLMetry
    "langsmith.span.kind",  # LangSmith
    "langwatch.span.type",  # LangWatch
    "_ml_obs.meta.span.kind",  # Datadog
    "gen_ai.span.kind",  # in use, LoongSuite
    "span.type",  # Claude Code
)
# They name a kind of step, and may say that it is no call, but a call needs a model.
STEP_HINT_KEYS: Final = (
    "mlflow.spanType",  # MLflow
    "ai.operationId",  # Vercel AI SDK
    "lmnr.span.type",  # Laminar
    "genkit:metadata:subtype",  # Genkit
    "honeyhive_event_type",  # HoneyHive
    "llm.request.type",  # OpenLLMetry
    "spring.ai.kind",  # Spring AI
)
# What agents do, as their frameworks name it: by a word, not by letters that stand in another name.
_OF_AGENTS: Final = (
    *("agent", "agents", "agent_*", "agents_*", "agent.*", "agent-*", "agent *", "agent:*", "agentrun*"),
    *("*_agent", "*_agents", "*.agent", "*-agent", "* agent", "*:agent", "invokeagent*"),
    *("invoke_agent*", "create_agent*", "run_agent*", "call_agent*", "agentexecutor"),
)
_OF_WORKFLOWS: Final = (
    *("workflow", "workflows", "workflow_*", "workflow.*", "workflow-*", "workflow *", "workflow:*"),
    *("*_workflow", "*.workflow", "*-workflow", "* workflow", "*:workflow", "invoke_workflow*", "run_workflow*"),
)
# What is a call of a model, in any case of letters; `*` stands for any text.
MODEL_CALL_KINDS: Final = (
    "generation",  # Langfuse
    "embedding",  # Langfuse, OpenInference
    "llm",  # OpenInference
    "chat",  # OpenTelemetry semantic conventions, generative AI, as those below
    "text_completion",
    "generate_content",
    "embeddings",
    "realtime_inference",  # in use
    "llm_request",  # Claude Code
    "completion",  # LiteLLM, by the names of its functions
    "acompletion",
    "atext_completion",
    "responses",
    "aresponses",
    "aembedding",
    "agenerate_content*",
    "generate_content_stream",
    "anthropic_messages",
    "chat_model",  # MLflow
    "chat.completion*",  # Semantic Kernel
    "chat_completion*",
    "text.completion*",
)
# What is never one, whatever it names and counts. All others are where a span names both a model and a usage.
NO_CALL_KINDS: Final = (
    *_OF_AGENTS,  # a run, a making, a hand-over: they repeat the usage of the calls below them
    *_OF_WORKFLOWS,
    "execute_tool",  # OpenTelemetry semantic conventions, generative AI
    "plan",
    "retrieval",
    "fetch_response",
    "*memory*",
    "*thread*",  # Azure's agents
    "create_message",
    "list_messages",
    "list_run_steps",
    "submit_tool_outputs",
    "chain",  # OpenInference, Langfuse, OpenLLMetry and others, as those below
    "tool",
    "retriever",
    "guardrail",
    "evaluator",
    "prompt",
    "span",
    "event",
    "task",
    "parser",
    "handoff",
    "function",
    "interaction",  # Claude Code
    "tool.*",
    "hook",
    "execute_event_loop_cycle",  # Strands
    "invoke_swarm",
    "invoke_graph",
    "flow",  # Genkit
    "session",
    "entry",  # LoongSuite
    "step",
    "ai.toolcall",  # Vercel AI SDK
    "framework",  # Spring AI, OpenLIT
    "vectordb",
    "advisor",
    "chat_client",
)
# The other kinds of steps by the same values; what is a call and none of them is `model`. The first that fits counts.
STEP_KINDS: Final[Mapping[StepKind, tuple[str, ...]]] = {
    "embedding": ("*embed*",),
    "tool": ("tool", "execute_tool", "function", "ai.toolcall", "function_tool", "tool_call", "mcp_tool", "mcp"),
    "agent": (*_OF_AGENTS, "interaction", "invoke_swarm"),
    "retrieval": ("retriev*", "*rerank*", "search", "vector_search", "rag"),
    "guardrail": ("guardrail*",),
    "evaluation": ("evaluat*",),
    "chain": (
        *("chain", "workflow", "task", "invoke_workflow", "plan", "prompt", "handoff", "flow", "step", "entry"),
        *("execute_event_loop_cycle", "invoke_graph", "ai.generatetext", "ai.streamtext", "ai.generateobject"),
        "ai.streamobject",
    ),
    "model": ("ai.*.do*", "model"),
}
# Libraries that state the usage of their calls on the span of the agent alone, whose kind says that it is no call: by
# scope and name, and whether they count tokens of a cache beside the input. `*` stands for any text.
USAGE_SPANS: Final = (
    # OpenInference's instrumentations of the Claude Agent SDK, Python and JavaScript: usage as Anthropic states it.
    ("openinference.instrumentation.claude_agent_sdk", "ClaudeAgentSDK.*", True),
    ("@arizeai/openinference-instrumentation-claude-agent-sdk", "ClaudeAgentSDK.*", True),
)
# Bare names that mean something only in the spans of libraries that are known to use them: by the scope, `*` for any
# text, or by what else the span says, `KEY` or `KEY=VALUE`.
BARE_KEYS: Final = (
    "model",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "input_token_count",
    "output_token_count",
    "cached_token_count",
    "cached_content_token_count",
    "thoughts_token_count",
    "reasoning_token_count",
    "total_token_count",
    "cost_usd",
    "agent_id",
    "tool_name",
)
BARE_KEY_SCOPES: Final = (
    "com.anthropic.claude_code*",  # Claude Code
    "claude_code*",
    "claude-code*",
    "codex*",  # Codex
    "gemini-cli*",  # Gemini CLI
    "gemini_cli*",
    "qwen-code*",  # Qwen Code
)
BARE_KEY_MARKS: Final = (
    "span.type=llm_request",  # Claude Code
    "span.type=interaction",
    "span.type=tool",
    "span.type=tool.execution",
    "span.type=tool.blocked_on_user",
    "span.type=hook",
    "span.type=subagent",
)
# `KEY` holds something else than the name of a model unless the span says `KEY=VALUE`.
MODEL_KEY_MARKS: Final = {"genkit:name": ("genkit:metadata:subtype=model", "genkit:metadata:subtype=embedder")}
TOOL_NAME_KEYS: Final = (
    "gen_ai.tool.name",  # OpenTelemetry semantic conventions, generative AI
    "tool.name",  # OpenInference
    "ai.toolCall.name",  # Vercel AI SDK
    "lk.function_tool.name",  # LiveKit
    "tool_name",  # Claude Code
)
AGENT_NAME_KEYS: Final = (
    "gen_ai.agent.name",  # OpenTelemetry semantic conventions, generative AI
    "agent.name",  # OpenInference
    "agent_name",  # Pydantic AI before version 1
    "subagent.name",  # coding agents
    "openai.agents.name",  # in use
    "langsmith.metadata.lc_agent_name",  # LangChain
    "metadata#lc_agent_name",
    "lk.agent_name",  # LiveKit
    "lk.agent_label",
    "crewai.agent.role",  # CrewAI
    "subagent.type",  # coding agents
    "subagent.id",
    "agent_id",
    "gen_ai.agent.id",  # OpenTelemetry semantic conventions, generative AI
)
ENTITY_NAME_KEYS: Final = ("traceloop.entity.name",)  # OpenLLMetry
RESPONSE_ID_KEYS: Final = (
    "gen_ai.response.id",  # OpenTelemetry semantic conventions, generative AI
    "ai.response.id",  # Vercel AI SDK
    "llm.response.id",  # in use
)
PREVIOUS_RESPONSE_ID_KEYS: Final = (
    "gen_ai.request.previous_response.id",  # OpenTelemetry semantic conventions, generative AI
    "gen_ai.request.previous_response_id",  # in use
    "gen_ai.openai.request.previous_response_id",
    "llm.request.previous_response_id",
)
# `PREFIX.*`, or a key with a JSON object; less the keys that are read as something else.
METADATA_KEYS: Final = (
    "langfuse.trace.metadata.*",  # Langfuse SDK
    "langfuse.trace.metadata",
    "langfuse.metadata.*",
    "langsmith.metadata.*",  # LangSmith
    "traceloop.association.properties.*",  # OpenLLMetry
    "ai.telemetry.metadata.*",  # Vercel AI SDK
    "lmnr.association.properties.metadata.*",  # Laminar
    "metadata",  # OpenInference
    "mlflow.trace.metadata",  # MLflow
    "mlflow.traceMetadata",
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
    # LiveKit: the node of a model, around the requests to it.
    ("", "livekit-agents", "llm_node", ""),
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
    "gen_ai.response.input_tokens",  # .NET, Microsoft.Extensions.AI before version 10
    "langsmith.metadata.usage_metadata#input_tokens",  # LangSmith
    "_ml_obs.metrics.input_tokens",  # Datadog
    "langwatch.metrics#promptTokens",  # LangWatch
    "genkit:output#usage.inputTokens",  # Genkit
    "gcp.vertex.agent.llm_response#usage_metadata.prompt_token_count",  # Google ADK
    "input_tokens",  # Claude Code
    "input_token_count",  # Codex, Gemini CLI
    "gen_ai.response.prompt_tokens",  # Semantic Kernel
    "llm.usage.prompt_tokens",  # OpenLLMetry, before it had the conventions' names
    "llm.usage.input_tokens",
    "langsmith.usage_metadata#input_tokens",  # LangSmith
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
    "gen_ai.response.output_tokens",
    "langsmith.metadata.usage_metadata#output_tokens",
    "_ml_obs.metrics.output_tokens",
    "langwatch.metrics#completionTokens",
    "genkit:output#usage.outputTokens",
    "gcp.vertex.agent.llm_response#usage_metadata.candidates_token_count",
    "output_tokens",
    "output_token_count",
    "gen_ai.response.completion_tokens",
    "llm.usage.completion_tokens",
    "llm.usage.output_tokens",
    "langsmith.usage_metadata#output_tokens",
)
# Where neither of the two above is known; and as a proof that parts stand beside them instead of within.
TOTAL_TOKEN_KEYS: Final = (
    "gen_ai.usage.total_tokens",  # in use, not in the conventions
    "llm.usage.total_tokens",  # OpenLLMetry
    "llm.token_count.total",  # OpenInference
    "ai.usage.totalTokens",  # Vercel AI SDK
    "langfuse.observation.usage_details#total",  # Langfuse SDK
    "langfuse.observation.usage_details#total_tokens",
    "mlflow.chat.tokenUsage#total_tokens",  # MLflow
    "gen_ai.response.total_tokens",  # .NET
    "langsmith.metadata.usage_metadata#total_tokens",  # LangSmith
    "_ml_obs.metrics.total_tokens",  # Datadog
    "genkit:output#usage.totalTokens",  # Genkit
    "gcp.vertex.agent.llm_response#usage_metadata.total_token_count",  # Google ADK
    "total_token_count",  # Gemini CLI
    "$ai_total_tokens",  # PostHog
    "langsmith.usage_metadata#total_tokens",  # LangSmith
)
# Parts of the input and of the output, not added to them unless CACHE_BESIDE_KEYS or the numbers say so. Counts of a
# modality (`gen_ai.usage.image.input_tokens`) are parts of both, and are not read.
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
    "gen_ai.usage.input_cached_tokens",  # LiveKit
    "gen_ai.usage.input_tokens.cached",  # in use, as those below
    "gen_ai.usage.cached_tokens",
    "gen_ai.usage.cached_input_tokens",
    "gen_ai.usage.cache_read_tokens",
    "gen_ai.usage.input_token_details#cache_read",  # LangSmith
    "gen_ai.usage.input_token_details.cache_read",
    "gen_ai.usage.input_tokens_details#cached_tokens",
    "gen_ai.usage.input_tokens_details.cached_tokens",
    "gen_ai.usage.prompt_tokens_details#cached_tokens",
    "gen_ai.usage.prompt_tokens_details.cached_tokens",
    "gen_ai.usage.input_tokens.cache_read",
    "gen_ai.response.cached_input_tokens",  # .NET
    "llm.usage.cache_read_input_tokens",  # OpenLLMetry
    "llm.token_count.prompt_details.cache_input",  # OpenInference
    "ai.usage.inputTokenDetails.cacheReadTokens",  # Vercel AI SDK
    "langfuse.observation.usage_details#cached_tokens",
    "langsmith.metadata.usage_metadata#cache_read_input_tokens",
    "genkit:output#usage.cachedContentTokens",  # Genkit
    "gcp.vertex.agent.llm_response#usage_metadata.cached_content_token_count",  # Google ADK
    "cache_read_tokens",  # Claude Code
    "cached_token_count",  # Codex
    "cached_content_token_count",  # Gemini CLI
    "gen_ai.usage.input_tokens_cached",  # in use, as those below
    "gen_ai.usage.prompt_tokens_cached",
    "gen_ai.usage.cached_prompt_tokens",
    "gen_ai.usage.prompt_cache_hit_tokens",
    "llm.usage.cached_tokens",
    "langsmith.usage_metadata#input_token_details.cache_read",  # LangSmith
    "gen_ai.usage.details.cache_read_input_tokens",  # Pydantic AI, as the provider calls it
    "gen_ai.usage.details.cached_tokens",
    "gen_ai.usage.details.cached_content_tokens",
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
    "gen_ai.usage.cache_write.input_tokens",  # OpenTelemetry semantic conventions, generative AI
    "gen_ai.usage.cache_write_input_tokens",  # in use, as those below
    "gen_ai.usage.cache_write_tokens",
    "gen_ai.usage.cache_creation_tokens",
    "gen_ai.usage.input_tokens.cache_write",
    "gen_ai.usage.input_tokens.cache_creation",
    "gen_ai.usage.input_token_details#cache_creation",  # LangSmith
    "gen_ai.usage.input_token_details.cache_creation",
    "llm.usage.cache_creation_input_tokens",  # OpenLLMetry
    "ai.usage.inputTokenDetails.cacheWriteTokens",  # Vercel AI SDK
    "langsmith.metadata.usage_metadata#cache_creation_input_tokens",
    "cache_creation_tokens",  # Claude Code
    "langsmith.usage_metadata#input_token_details.cache_creation",  # LangSmith
    "gen_ai.usage.details.cache_creation_input_tokens",  # Pydantic AI
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
    "gen_ai.usage.output_tokens.reasoning",  # in use, as those below
    "gen_ai.usage.output_reasoning_tokens",
    "gen_ai.usage.reasoning_output_tokens",
    "gen_ai.usage.output_token_details#reasoning",  # LangSmith
    "gen_ai.usage.output_token_details.reasoning",
    "gen_ai.usage.output_tokens_details#reasoning_tokens",
    "gen_ai.usage.output_tokens_details.reasoning_tokens",
    "gen_ai.usage.completion_tokens_details#reasoning_tokens",
    "gen_ai.usage.completion_tokens_details.reasoning_tokens",
    "gen_ai.usage.thoughts_tokens",
    "gen_ai.usage.details.thoughts_tokens",  # Pydantic AI
    "gen_ai.usage.experimental.reasoning_tokens",  # Google ADK
    "llm.usage.reasoning_tokens",  # OpenLLMetry
    "ai.usage.outputTokenDetails.reasoningTokens",  # Vercel AI SDK
    "genkit:output#usage.thoughtsTokens",  # Genkit
    "gcp.vertex.agent.llm_response#usage_metadata.thoughts_token_count",  # Google ADK
    "reasoning_token_count",  # Codex
    "thoughts_token_count",  # Gemini CLI
    "gen_ai.usage.thinking_tokens",  # in use
    "gen_ai.usage.thoughts_token_count",
    "langsmith.usage_metadata#output_token_details.reasoning",  # LangSmith
    "langfuse.observation.usage_details#reasoning",  # Langfuse, by names that applications choose
    "langfuse.observation.usage_details#reasoning_tokens",
)
# Of those, the ones beside whose count of the input stands: Anthropic's own fields, as Anthropic counts.
CACHE_BESIDE_KEYS: Final = (
    "langfuse.observation.usage_details#cache_read_input_tokens",  # Langfuse SDK
    "langfuse.observation.usage_details#cache_creation_input_tokens",
    "cache_read_tokens",  # Claude Code
    "cache_creation_tokens",
)
# `KEY=VALUE`: what else says so.
CACHE_BESIDE_MARKS: Final = (
    "$ai_cache_reporting_exclusive=true",  # PostHog
    "$ai_provider=anthropic",
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
    "gen_ai.cost.total_cost",  # LiteLLM
    "litellm.cost.total",
    "gen_ai.usage.total_cost",  # in use
    "langwatch.span.cost",  # LangWatch
    "langwatch.metrics#cost",
    "gen_ai.usage.cost.total",  # in use, as those below
    "gen_ai.cost.total",
    "llm.usage.total_cost",
    "langsmith.metadata.usage_metadata#total_cost",  # LangSmith
    "_ml_obs.metrics.total_cost",  # Datadog
    "cost_usd",  # Claude Code
    "llm.cost.prompt+llm.cost.completion",  # OpenInference, as far as it is known
    "gen_ai.usage.input_cost+gen_ai.usage.output_cost",  # Laminar
    "gen_ai.cost.input_cost+gen_ai.cost.output_cost",  # LiteLLM
    "langsmith.usage_metadata#total_cost",  # LangSmith
    "vercel.ai_gateway.cost.total",  # Vercel AI Gateway
    "ai.response.providerMetadata#gateway.cost",  # the same, as the Vercel AI SDK has it
    "ai.response.providerMetadata#openrouter.usage.cost",  # OpenRouter
    "gen_ai.usage.cost_usd",  # Goose
    "gen_ai.cost.usd",  # in use
    "tfy.request_cost",  # TrueFoundry
)

# Below these, text may arrive JSON-encoded: the id abc as "abc", with its quotes.
JSON_ENCODED_PREFIXES: Final = (
    "langfuse.trace.metadata.",  # Langfuse SDK
    "langfuse.observation.metadata.",
    "langfuse.metadata.",
    "ai.telemetry.metadata.",  # Vercel AI SDK
    "langsmith.metadata.",  # LangSmith
    "mlflow.",  # MLflow encodes every attribute
    "traceloop.entity.",  # OpenLLMetry
)

SCRUBBED_PREFIXES: Final = ("[Scrubbed due to",)  # Logfire: what stands in the place of a scrubbed value
