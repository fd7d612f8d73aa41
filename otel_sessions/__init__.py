"""otel-sessions: the session store for OpenTelemetry. This package's top level is for instrumented apps, and light."""

from otel_sessions._version import __version__

__all__ = ["__version__"]
