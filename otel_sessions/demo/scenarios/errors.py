# SPDX-License-Identifier: Apache-2.0
"""What goes wrong: failures passed up to the turn, calls made again, a guardrail that refuses, a user who gives up."""

from __future__ import annotations

from contextlib import suppress

from otel_sessions.demo.script import Tool
from otel_sessions.demo.stage import MINUTE, Scene, Stage, TurnError
from otel_sessions.demo.talk import ToolError
from otel_sessions.demo.tracing import Story

TURNS = 16
_SYSTEM = "You book huts and transfers for Ridgeline's customers. Ask before you pay."
_LIMIT = "429 Too Many Requests: rate limit reached for gpt-4.1-mini"
_AWAY = "GET https://timetable.example/590: 503 Service Unavailable"
_BOOKING = Tool("book_transfer", '{"from": "Innsbruck", "to": "Neustift", "seats": 2}', "null")


def play(stage: Stage) -> None:
    """A session that fails in several ways, and four that fail as one does whose service is away."""
    scene = _session(stage, "transfer", "alan", 26 * MINUTE)
    talk = scene.talk
    with scene.turn("Book us a transfer from Innsbruck to Neustift on Friday.") as story:
        _retry(scene, story, 2)
        talk.use(
            story, [Tool("find_transfer", '{"day": "Friday", "seats": 2}', '{"offers": [{"id": "T-9", "eur": 84}]}')]
        )
        talk.answer(story, "There is one at 14:30 for 84.00 EUR. Shall I book it?")
    with scene.turn("Yes, please.", after_s=35) as story:
        _pass_up(scene, story, TurnError("the payment provider refused the card: do_not_honor"))
    with scene.turn("Did it work?", after_s=50) as story:
        talk.answer(story, "No: the card was refused. Do you have another one?")
    with scene.turn("Take my colleague's card, the number is in her mails.", after_s=44) as story:
        _refuse(scene, story)
    with scene.turn("Then send me an invoice.", after_s=62) as story:
        _retry(scene, story, 2)
        talk.fail(story, TurnError(_LIMIT), 120, 240)
    with scene.turn("Hello?", after_s=120) as story:
        talk.fail(story, TurnError(""), 29_000, 30_000)
    for number, user in enumerate(("ada", "grace", "emmy", "barbara")):
        other = _session(stage, f"timetable-{number + 1}", user, (55 - 9 * number) * MINUTE)
        for ask in ("When does the first bus leave?", "And the last one?"):
            with other.turn(ask, after_s=30) as story:
                tool = Tool("timetable", '{"line": "590"}', '{"error": "upstream unavailable"}')
                other.talk.use(story, [tool], error=ToolError(_AWAY))
                other.talk.answer(story, "The timetable does not answer right now. Please try again in a while.")
    quiet = _session(stage, "hut-question", "margaret", 4 * MINUTE)
    with quiet.turn("Is the Bremer hut open in June?") as story:
        quiet.talk.answer(story, "From 15 June on, as long as the path is free of snow.")
    with quiet.turn("Thanks!", after_s=20) as story:
        quiet.talk.answer(story, "Enjoy it!")


def _session(stage: Stage, topic: str, user: str, ago_s: float) -> Scene:
    return stage.session(
        topic, user, ago_s=ago_s, service="booking-api", model="gpt-4.1-mini", system=_SYSTEM,
        tags=("booking",), metadata={"tenant": "alpine-club", "prompt_version": "v3"},
    )  # fmt: skip


def _retry(scene: Scene, story: Story, times: int) -> None:
    """Calls of the model that fail, each a little later."""
    for attempt in range(times):
        with suppress(TurnError):
            scene.talk.fail(story, TurnError(_LIMIT), 120, 240)
        story.clock.spend(500 * 2**attempt, 600 * 2**attempt)


def _pass_up(scene: Scene, story: Story, error: Exception) -> None:
    """A tool fails, and so does everything that waits for it."""
    with scene.talk.agent(story, "Booking") as inside:
        (call_id,) = scene.talk.call(inside, [_BOOKING])
        scene.talk.run(inside, call_id, _BOOKING, error)


def _refuse(scene: Scene, story: Story) -> None:
    """A guardrail looks at the question and stops it."""
    attributes = {
        "openinference.span.kind": "GUARDRAIL",
        "input.value": "Take my colleague's card",
        "output.value": '{"blocked": true, "policy": "payment data of others"}',
    }
    with scene.talk.service.span(story, "guardrail payment-data", attributes):
        story.clock.spend(20, 40)
    scene.talk.answer(story, "I cannot use somebody else's card. You can pay by invoice instead.")
