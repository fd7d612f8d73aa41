# SPDX-License-Identifier: Apache-2.0
"""What a span does: its kind of step, whether it is a call of a model, and the names of its tool and agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

StepKind: TypeAlias = Literal[
    "model", "embedding", "tool", "agent", "retrieval", "guardrail", "evaluation", "chain", "other"
]

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
