"""otel-sessions: the session store for OpenTelemetry. This package's top level is for instrumented apps, and light:
importing it imports nothing else, each name is loaded when it is first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from otel_sessions._version import __version__

if TYPE_CHECKING:
    from otel_sessions.inprocess import ClickHouseSpanExporter
    from otel_sessions.sdk.claiming import update_current_trace
    from otel_sessions.sdk.client import get_client
    from otel_sessions.sdk.configuring import configure
    from otel_sessions.sdk.events import session_end, session_start
    from otel_sessions.sdk.observing import observe
    from otel_sessions.sdk.processor import SessionSpanProcessor
    from otel_sessions.sdk.sessions import propagate_attributes, session

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
    "ClickHouseSpanExporter": "inprocess",
    "SessionSpanProcessor": "sdk.processor",
    "configure": "sdk.configuring",
    "get_client": "sdk.client",
    "observe": "sdk.observing",
    "propagate_attributes": "sdk.sessions",
    "session": "sdk.sessions",
    "session_end": "sdk.events",
    "session_start": "sdk.events",
    "update_current_trace": "sdk.claiming",
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
