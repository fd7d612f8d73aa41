# SPDX-License-Identifier: Apache-2.0
"""otel-sessions: the session store for OpenTelemetry. This package's top level is for instrumented apps, and light:
importing it imports nothing else, each name is loaded when it is first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from otel_sessions._version import __version__

if TYPE_CHECKING:
    from otel_sessions.inprocess.exporter import ClickHouseSpanExporter
    from otel_sessions.sdk.client import get_client
    from otel_sessions.sdk.configure import configure
    from otel_sessions.sdk.observe import observe
    from otel_sessions.sdk.processor import SessionSpanProcessor
    from otel_sessions.sdk.session import (
        propagate_attributes,
        session,
        session_end,
        session_start,
        update_current_trace,
    )

__all__ = [
    "ClickHouseSpanExporter",
    "SessionSpanProcessor",
    "__version__",
    "configure",
    "get_client",
    "observe",
    "propagate_attributes",
    "session",
    "session_end",
    "session_start",
    "update_current_trace",
]

_HOMES = {
    "ClickHouseSpanExporter": "inprocess.exporter",
    "SessionSpanProcessor": "sdk.processor",
    "configure": "sdk.configure",
    "get_client": "sdk.client",
    "observe": "sdk.observe",
    "propagate_attributes": "sdk.session",
    "session": "sdk.session",
    "session_end": "sdk.session",
    "session_start": "sdk.session",
    "update_current_trace": "sdk.session",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
