"""The way from a request to stored spans."""

from otel_sessions.pipeline.fanout import Fanout
from otel_sessions.pipeline.pipeline import Pipeline
from otel_sessions.pipeline.sender import Outlet

__all__ = ["Fanout", "Outlet", "Pipeline"]
