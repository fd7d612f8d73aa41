# SPDX-License-Identifier: Apache-2.0
"""A day of ordinary traffic and one session that costs as much as all the others: what is different about it?"""

from __future__ import annotations

import json

from otel_sessions.demo.script import Tool
from otel_sessions.demo.stage import HOUR, Stage

SESSIONS = 40
_SYSTEM = "You are the assistant of Ridgeline, a shop for mountain gear. Be brief, be kind, and name your sources."
_USERS = ("ada", "grace", "emmy", "alan", "katherine", "linus", "margaret", "barbara", "edsger", "tim")
_TENANTS = ("alpine-club", "ridgeline", "city-store")
_TALK = (
    ("Which jacket for a week of rain?", "The Nimbus: three layers, 420 g, and a hood that takes a helmet."),
    ("Does it come in red?", "In red, grey and moss. Red is sold out in M until Tuesday."),
    ("What about the zip?", "Two-way, and repaired free of charge for five years."),
    ("How much is shipping to Graz?", "4.90 EUR, free from 80.00 EUR on; it takes two days."),
    ("Can I return it?", "Within 30 days, unused, with the label we put into the parcel."),
)


def _tools(*names: str) -> dict[str, str]:
    """What a call says of the tools that its model could use."""
    told = [{"type": "function", "name": name, "parameters": {"type": "object"}} for name in names]
    return {"gen_ai.tool.definitions": json.dumps(told)}


def _turns(number: int) -> int:
    return 2 + number % 4 - number % 2


TURNS = sum(map(_turns, range(SESSIONS))) + 6


def play(stage: Stage) -> None:
    """`SESSIONS` sessions over a day, and one with another model, another prompt and a tool that returns too much."""
    for number in range(SESSIONS):
        user = _USERS[number * 7 % len(_USERS)]
        scene = stage.session(
            f"shop-{number + 1:02d}", user, ago_s=23 * HOUR - number * 0.55 * HOUR, service="chat-api",
            model="gpt-4.1-mini", system=_SYSTEM, tags=("presales",),
            metadata={"tenant": _TENANTS[number % 3], "prompt_version": "v6"},
        )  # fmt: skip
        for ask, answer in _TALK[: _turns(number)]:
            with scene.turn(ask, after_s=scene.story.clock.chance.uniform(20, 90)) as story:
                if number % 5 == 0:
                    scene.talk.use(story, [Tool("check_stock", '{"sku": "NIMBUS-M"}', '{"in_stock": 4}')])
                scene.talk.answer(story, answer, attributes=_tools("check_stock"))
    _outlier(stage)


def _outlier(stage: Stage) -> None:
    catalogue = json.dumps(
        {
            "products": [
                {"sku": f"R-{number:05d}", "name": "Rope", "eur": number % 300, "note": "60 m, dry, half"}
                for number in range(1_400)
            ]
        }
    )
    scene = stage.session(
        "catalogue", "edsger", ago_s=2.2 * HOUR, service="chat-api", model="claude-opus-4-1", system=_SYSTEM,
        tags=("presales",), metadata={"tenant": "city-store", "prompt_version": "v7"},
    )  # fmt: skip
    for number, ask in enumerate(
        (
            "Which rope is the cheapest?",
            "And the lightest?",
            "One for glaciers?",
            "Which has the most reviews?",
            "Put it into my basket.",
            "Thanks.",
        )
    ):
        with scene.turn(ask, after_s=30) as story:
            if number in (0, 2):
                scene.talk.use(story, [Tool("list_catalogue", '{"category": "ropes"}', catalogue)])
            scene.talk.answer(
                story,
                (
                    "The Couloir 60 m.",
                    "The Firn 50 m, 2.1 kg.",
                    "The Glacier 30 m.",
                    "The Couloir 60 m, with 412.",
                    "It is in your basket.",
                    "See you!",
                )[number],
                attributes=_tools("check_stock", "list_catalogue"),
            )
