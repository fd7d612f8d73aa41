"""The way from a request to stored spans."""

from otel_sessions.pipeline.fanout import Fanout
from otel_sessions.pipeline.pipeline import Pipeline, PipelineSettings

__all__ = ["Fanout", "Pipeline", "PipelineSettings"]
