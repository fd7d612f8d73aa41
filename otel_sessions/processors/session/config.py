# SPDX-License-Identifier: Apache-2.0
"""Configuration of the session processor: its own lists of keys, and those of `genai`, which it contains."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt

from otel_sessions import semconv
from otel_sessions.component import Settings
from otel_sessions.genai.config import GenAiConfig, Keys
from otel_sessions.processors.session.limits import SpanLimits
from otel_sessions.semconv import sessions
from otel_sessions.types import ByteSize, Duration


class MemorySettings(Settings):
    """How much is remembered of recent traces; 0 traces or 0 bytes remember nothing."""

    traces: NonNegativeInt = 100_000
    max_bytes: ByteSize = 64 * 2**20


class SessionConfig(GenAiConfig):
    """An empty list of keys turns its column off."""

    # What a session is.
    session_keys: Keys = sessions.SESSION_KEYS
    conversation_keys: Keys = sessions.CONVERSATION_KEYS
    root_keys: Keys = (semconv.IS_APP_ROOT,)
    previous_session_keys: Annotated[
        Keys, Field(description="the session that this one goes on from; the first also of the event `session.start`")
    ] = (semconv.SESSION_PREVIOUS_ID,)
    max_session_id_bytes: PositiveInt = 8192
    scrubbed_prefixes: Keys = sessions.SCRUBBED_PREFIXES
    memory: MemorySettings = MemorySettings()
    claim_wait: Duration = Field(default=20.0, ge=0, le=600)

    # Who, where, what.
    user_keys: Keys = sessions.USER_KEYS
    environment_keys: Keys = sessions.ENVIRONMENT_KEYS
    trace_name_keys: Keys = sessions.TRACE_NAME_KEYS
    tag_keys: Keys = sessions.TAG_KEYS
    max_tags: PositiveInt = 100

    # How much a span may hold.
    span_limits: SpanLimits = SpanLimits()
