# SPDX-License-Identifier: Apache-2.0
"""A model that costs nothing: it says what the script says, and counts tokens as a real one would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

Message = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Model:
    """A model on offer; prices in dollars a million tokens, both 0 where nobody knows them."""

    provider: str
    version: str
    server: str
    input_price: Decimal
    output_price: Decimal

    @property
    def is_priced(self) -> bool:
        return bool(self.input_price or self.output_price)

    def cost(self, input_tokens: int, output_tokens: int) -> Decimal:
        """The cost of a call in US dollars, exact."""
        return (self.input_price * input_tokens + self.output_price * output_tokens) / 1_000_000


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "gpt-4.1-mini": Model("openai", "gpt-4.1-mini-2025-04-14", "api.openai.com", Decimal("0.40"), Decimal("1.60")),
        "claude-sonnet-4-5": Model(
            "anthropic", "claude-sonnet-4-5-20250929", "api.anthropic.com", Decimal(3), Decimal(15)
        ),
        "text-embedding-3-small": Model(
            "openai", "text-embedding-3-small", "api.openai.com", Decimal("0.02"), Decimal(0)
        ),
        "claude-opus-4-1": Model(
            "anthropic", "claude-opus-4-1-20250805", "api.anthropic.com", Decimal(15), Decimal(75)
        ),
        "ridgeline-vision-7b": Model("self-hosted", "ridgeline-vision-7b", "vision.internal", Decimal(0), Decimal(0)),
    }
)


def tokens(text: str) -> int:
    """About as many as a tokenizer would find: four characters each."""
    return max(1, round(len(text) / 4))


def message(role: str, *parts: Mapping[str, object], finish_reason: str = "") -> Message:
    """A message in the form of `gen_ai.input.messages` and `gen_ai.output.messages`."""
    said: dict[str, object] = {"role": role, "parts": list(parts)}
    return said | {"finish_reason": finish_reason} if finish_reason else said


def text(content: str) -> Mapping[str, object]:
    """A part that is text."""
    return {"type": "text", "content": content}


def token_count(messages: Sequence[Message]) -> int:
    """The tokens of all text in messages."""
    return sum(tokens(str(said["parts"])) for said in messages)
