"""Attribute keys, each with its source; the defaults of configuration lists, never used past configuration."""

from __future__ import annotations

from typing import Final

SERVICE_NAME: Final = "service.name"  # OpenTelemetry semantic conventions, resource
IS_APP_ROOT: Final = "langfuse.internal.is_app_root"  # Langfuse SDK
