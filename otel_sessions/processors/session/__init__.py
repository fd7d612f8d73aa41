# SPDX-License-Identifier: Apache-2.0
"""Processor `session`: finds the session of each span, and what else its attributes tell."""

from __future__ import annotations

from otel_sessions.component import ComponentId, Factory, Host
from otel_sessions.processors.session.config import MemorySettings, SessionConfig
from otel_sessions.processors.session.processor import SessionProcessor
from otel_sessions.processors.session.unclaimed import Unclaimed

__all__ = ["MemorySettings", "SessionConfig", "SessionProcessor", "factory"]


def _create(component_id: ComponentId, config: SessionConfig, host: Host) -> SessionProcessor:
    count = host.metrics.spans_without_session.labels(str(component_id)).inc
    keys = (*config.session_keys, *config.conversation_keys)
    processor = SessionProcessor(config, Unclaimed(count, keys[0]) if keys else None)
    host.claim_listeners.append(processor.learn)
    return processor


factory = Factory(
    name="session",
    config=SessionConfig,
    create=_create,
    summary="Finds the session, user, model call and content of each span in its attributes.",
)
