# SPDX-License-Identifier: Apache-2.0
"""Whose a span is: where clients write the session, the conversation, the user, and what they add to a trace."""

from __future__ import annotations

from typing import Final

from otel_sessions.semconv import CONVERSATION_ID, ENVIRONMENT, SESSION_ID, TRACE_NAME, TRACE_TAGS, USER_ID

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
