# SPDX-License-Identifier: Apache-2.0
"""Sessions to look at: each scenario shows one side of the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from otel_sessions.demo import chat
from otel_sessions.demo.scenarios import agent, errors, long, media, outlier
from otel_sessions.demo.stage import Stage

__all__ = ["SCENARIOS", "Scenario"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`play` holds its sessions, of `turns` turns in all; the one of the topic `shown` is worth looking at first."""

    play: Callable[[Stage], None]
    turns: int
    shown: str
    says: str


SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        "chat": Scenario(chat.play, chat.TURNS, "hut-tour", "customers of a shop, over two services"),
        "long": Scenario(
            long.play, long.TURNS, "incident", "one session of 240 turns, with breaks and a history that is cut"
        ),
        "agent": Scenario(
            agent.play, agent.TURNS, "tax-bug", "four agents, hand-overs, tools at once, reasoning and code"
        ),
        "media": Scenario(media.play, media.TURNS, "photos", "pictures, sound and files, and a model without a price"),
        "errors": Scenario(errors.play, errors.TURNS, "transfer", "failures passed up, calls made again, a guardrail"),
        "outlier": Scenario(
            outlier.play, outlier.TURNS, "catalogue", "a day of traffic, and a session that costs as much as all of it"
        ),
    }
)
"""All scenarios by their names."""
