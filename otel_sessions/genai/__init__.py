"""What spans say of steps and model calls, in every dialect: kind, content, model, tokens, cost."""

from __future__ import annotations

from otel_sessions.genai.columns import COLUMNS, GenAi
from otel_sessions.genai.config import GenAiConfig, Keys, ModelPrices, PriceTable

__all__ = ["COLUMNS", "GenAi", "GenAiConfig", "Keys", "ModelPrices", "PriceTable"]
