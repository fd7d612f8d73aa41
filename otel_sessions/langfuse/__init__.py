"""Langfuse's public API, as far as its SDKs need it to send, on the HTTP port of the receiver."""

from otel_sessions.langfuse.api import OTLP_BASE, PREFIX, TRACES_PATH, LangfuseApi

__all__ = ["OTLP_BASE", "PREFIX", "TRACES_PATH", "LangfuseApi"]
