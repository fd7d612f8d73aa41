"""Configuration of the session processor: every list of keys, first match first, and every bound."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt, StringConstraints

from otel_sessions import semconv
from otel_sessions.component import Settings
from otel_sessions.types import ByteSize

Keys = tuple[Annotated[str, StringConstraints(min_length=1)], ...]


class MemorySettings(Settings):
    """How much is remembered of recent traces; 0 traces or 0 bytes remember nothing."""

    traces: NonNegativeInt = 100_000
    max_bytes: ByteSize = 64 * 2**20


class SessionConfig(Settings):
    """An empty list of keys turns its column off."""

    # What a session is.
    session_keys: Keys = semconv.SESSION_KEYS
    conversation_keys: Keys = semconv.CONVERSATION_KEYS
    root_keys: Keys = (semconv.IS_APP_ROOT,)
    max_session_id_bytes: PositiveInt = 8192
    scrubbed_prefixes: Keys = semconv.SCRUBBED_PREFIXES
    json_encoded_prefixes: Keys = semconv.JSON_ENCODED_PREFIXES
    memory: MemorySettings = MemorySettings()

    # Who, where, what.
    user_keys: Keys = semconv.USER_KEYS
    environment_keys: Keys = semconv.ENVIRONMENT_KEYS
    trace_name_keys: Keys = semconv.TRACE_NAME_KEYS
    tag_keys: Keys = semconv.TAG_KEYS
    max_tags: PositiveInt = 100

    # Previews.
    input_keys: Keys = semconv.INPUT_KEYS
    output_keys: Keys = semconv.OUTPUT_KEYS
    trace_input_keys: Keys = semconv.TRACE_INPUT_KEYS
    trace_output_keys: Keys = semconv.TRACE_OUTPUT_KEYS
    max_preview_chars: PositiveInt = 1000

    # Model calls.
    model_keys: Keys = semconv.MODEL_KEYS
    step_kind_keys: Keys = semconv.STEP_KIND_KEYS
    model_call_kinds: Keys = semconv.MODEL_CALL_KINDS
    summary_marks: Annotated[Keys, Field(description="KEY or KEY=VALUE")] = semconv.SUMMARY_MARKS
    input_token_keys: Annotated[Keys, Field(description="KEY or KEY#MEMBER")] = semconv.INPUT_TOKEN_KEYS
    output_token_keys: Annotated[Keys, Field(description="KEY or KEY#MEMBER")] = semconv.OUTPUT_TOKEN_KEYS
    total_token_keys: Annotated[Keys, Field(description="KEY or KEY#MEMBER")] = semconv.TOTAL_TOKEN_KEYS
    cost_keys: Annotated[Keys, Field(description="KEY or KEY#MEMBER")] = semconv.COST_KEYS
