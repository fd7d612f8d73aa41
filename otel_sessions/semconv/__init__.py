# SPDX-License-Identifier: Apache-2.0
"""Attribute keys, each with its source; the defaults of configuration lists, never used past configuration.

Within a list the first key that holds a value wins. `PREFIX.N.*` is a family: messages flattened into keys that count
them. `EVENT#KEY` is an attribute of a span event. `KEY#MEMBER` is a member of the object that stands there as JSON, or
as the text of a Python dictionary, `KEY#OUTER.INNER` one further down; of numbers, `KEY#*` is the sum of all its
members, and `KEY#*PART*` the sum of those with PART in their name, where the object has a `total` that is enough for
all its members. `KEY+KEY` is the sum of two.

Single names stand here, the lists in a module each: `sessions` (whose a span is), `content`, `steps` and `usage`.
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
