# SPDX-License-Identifier: Apache-2.0
"""The processor `redaction`: drops, hashes and masks what must not be stored."""

from __future__ import annotations

from otel_sessions.component import ComponentId, Factory, Host
from otel_sessions.processors.redaction.config import RedactionConfig
from otel_sessions.processors.redaction.processor import RedactionProcessor

__all__ = ["RedactionConfig", "RedactionProcessor", "factory"]


def _create(component_id: ComponentId, config: RedactionConfig, host: Host) -> RedactionProcessor:
    return RedactionProcessor(config, host.metrics.redacted_values.labels(str(component_id)).inc)


factory = Factory("redaction", RedactionConfig, _create, "Drops, hashes and masks attributes before they are stored.")
