# SPDX-License-Identifier: Apache-2.0
"""What calls of a model spend: model, provider, tokens, cost, and which spans only sum up the calls below them."""

from __future__ import annotations

from typing import Final

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
# Libraries that state the usage of their calls on the span of the agent alone, whose kind says that it is no call: by
# scope and name, and whether they count tokens of a cache beside the input. `*` stands for any text.
USAGE_SPANS: Final = (
    # OpenInference's instrumentations of the Claude Agent SDK, Python and JavaScript: usage as Anthropic states it.
    ("openinference.instrumentation.claude_agent_sdk", "ClaudeAgentSDK.*", True),
    ("@arizeai/openinference-instrumentation-claude-agent-sdk", "ClaudeAgentSDK.*", True),
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
