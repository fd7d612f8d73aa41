# SPDX-License-Identifier: Apache-2.0
"""Pictures, sound and files in what is said; a model without a price; a text that is too long for a page."""

from __future__ import annotations

import json

from otel_sessions.demo.model import message, text
from otel_sessions.demo.script import Tool
from otel_sessions.demo.stage import Stage

TURNS = 4
_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
_PAGE = (
    "Page {0}. Lay the pack on its back, open strap {0} and pull the webbing through the slot from below; "
    "it must not be twisted. Check that the bar tack lies flat before you load the pack again."
)
_STEPS = "1. thread the webbing from below\n2. fold it back once\n3. pull it tight\n\n> It must not be twisted."
_SYSTEM = "You look at pictures of broken gear and say whether the warranty holds."


_BUCKLE = {
    "type": "uri",
    "modality": "image",
    "mime_type": "image/jpeg",
    "uri": "https://images.ridgeline.example/returns/4411/buckle.jpg",
}
_SPOKEN = {"type": "blob", "modality": "audio", "mime_type": "audio/ogg", "content": _PIXEL * 40}
_MANUAL = {
    "type": "file",
    "modality": "file",
    "mime_type": "application/pdf",
    "uri": "https://images.ridgeline.example/manuals/firn-pack.pdf",
}


def play(stage: Stage) -> None:
    """A session of a customer who sends pictures, a voice message and the manual."""
    scene = stage.session(
        "photos", "katherine", ago_s=520, service="vision-api", model="ridgeline-vision-7b", system=_SYSTEM,
        tags=("support", "warranty"), metadata={"tenant": "alpine-club"},
    )  # fmt: skip
    talk = scene.talk
    talk.messages.append(
        message(
            "user",
            text("The buckle broke on the first day. Is that covered? Two pictures:"),
            _BUCKLE,
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": _PIXEL},
        )
    )
    with scene.turn() as story:
        talk.answer(
            story, "The break runs along the seam of the mould: a fault of the material, so **yes, it is covered**."
        )
    talk.messages.append(message("user", _SPOKEN))
    with scene.turn(after_s=58) as story:
        talk.use(
            story,
            [
                Tool(
                    "transcribe",
                    '{"language": "auto"}',
                    '{"text": "Can I have it repaired before Saturday?", "seconds": 3.2}',
                )
            ],
        )
        talk.answer(
            story, "Not before Saturday: the workshop needs four days. We send a new buckle by express instead."
        )
    talk.messages.append(message("user", text("Here is the manual. How do I put it on?"), _MANUAL))
    with scene.turn(after_s=71) as story:
        pages = "\n\n".join(_PAGE.format(page) for page in range(1, 61))
        talk.use(
            story,
            [
                Tool(
                    "read_pdf",
                    '{"url": "https://images.ridgeline.example/manuals/firn-pack.pdf"}',
                    json.dumps({"pages": 60, "text": pages}),
                )
            ],
        )
        talk.answer(story, f"Page 12 shows it:\n\n{_STEPS}")
    with scene.turn("Got it, thanks.", after_s=40) as story:
        talk.answer(story, "With pleasure. The order number of the buckle is `B-7719`.")
