# SPDX-License-Identifier: Apache-2.0
"""A session of a working day: hundreds of turns, histories that are sent again and cut, breaks between."""

from __future__ import annotations

from otel_sessions.demo.script import Tool
from otel_sessions.demo.stage import HOUR, MINUTE, Stage

TURNS = 240
_KEPT = 30
"""Messages after which the history is replaced by a summary of it."""
_SYSTEM = (
    "You are the on-call assistant of Ridgeline's operations. Read before you act, name the dashboard you looked at, "
    "and never restart a database without a yes."
)
_HOSTS = ("shop-api-1", "shop-api-2", "search-3", "payments-1", "images-2", "warehouse-sync")
_ASKS = (
    "What is the load on {host}?",
    "Show me the slowest requests of {host} in the last ten minutes.",
    "Did anything get deployed to {host} today?",
    "Compare the error rate of {host} with yesterday's.",
    "Is the disk of {host} still filling up?",
    "Write down what we know about {host} so far.",
)
_ANSWERS = (
    "`{host}` is at a load of **{low}** with {high} requests a second; the dashboard *Nodes* shows no swap.",
    "Three routes are slow:\n\n| route | p95 |\n|---|---|\n| `/checkout` | {high}0 ms |\n| `/search` | {low}90 ms |\n"
    "| `/cart` | {low}40 ms |\n\nThe first waits for the payment provider.",
    "Two deployments: `{host}` went to build {high}{low} this morning, and back an hour later.",
    "Errors are at 0.{low} %, yesterday at this time 0.{high} %. The rise begins with the deployment.",
    "It grows by {low} GB an hour. At this rate it is full in {high} hours; old images are most of it.",
    "So far:\n\n1. load is normal\n2. `/checkout` is slow since the deployment\n3. the disk has {high} hours left",
)


def play(stage: Stage) -> None:
    """One session of `TURNS` turns over seven hours, with a lunch of one hour and a half and short breaks."""
    scene = stage.session(
        "incident", "linus", ago_s=9.5 * HOUR, service="ops-bot", model="gpt-4.1-mini", system=_SYSTEM,
        tags=("operations",), metadata={"tenant": "ridgeline", "shift": "day"},
    )  # fmt: skip
    chance, talk = scene.story.clock.chance, scene.talk
    for number in range(TURNS):
        host, kind = chance.choice(_HOSTS), chance.randrange(len(_ASKS))
        after_s = 90 * MINUTE if number == TURNS // 2 else 14 * MINUTE if number % 45 == 44 else chance.uniform(20, 140)
        attributes: dict[str, bool] = {}
        if len(talk.messages) > _KEPT:
            said = f"Summary of {number} turns: {host} was looked at last; /checkout is slow since a deployment."
            talk.messages[:] = []
            talk.hear(said, "system")
            attributes["gen_ai.conversation.compacted"] = True
        with scene.turn(_ASKS[kind].format(host=host), after_s=after_s) as story:
            if kind in (1, 3):
                query = f'{{"query": "rate(http_requests{{host=\\"{host}\\"}}[10m])"}}'
                talk.use(
                    story, [Tool("query_metrics", query, f'{{"series": 3, "points": {chance.randrange(40, 400)}}}')]
                )
            answer = _ANSWERS[kind].format(host=host, low=chance.randrange(1, 5), high=chance.randrange(5, 90))
            talk.answer(story, answer, attributes=attributes)
