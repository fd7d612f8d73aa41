"""Processor `genai`: reads model calls once more, by its own configuration."""

from __future__ import annotations

from otel_sessions.component import ComponentId, Factory, Host
from otel_sessions.genai import GenAiConfig
from otel_sessions.processors.genai.processor import GenAiProcessor

__all__ = ["GenAiConfig", "GenAiProcessor", "factory"]


def _create(component_id: ComponentId, config: GenAiConfig, host: Host) -> GenAiProcessor:
    return GenAiProcessor(config)


factory = Factory("genai", GenAiConfig, _create, "Reads content, model, tokens and cost of model calls anew.")
