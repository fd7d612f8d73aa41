# SPDX-License-Identifier: Apache-2.0
"""Where scenarios are played: the processes of an application, and sessions that they hold turn by turn."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from opentelemetry.trace import SpanKind

from otel_sessions.demo.talk import Talk
from otel_sessions.demo.tracing import Attributes, Clock, Service, Story, Tally

MINUTE: int = 60
HOUR: int = 60 * MINUTE
_SECOND_NS = 1_000_000_000
_FLUSH_EVERY = 20
"""Turns after which the spans are sent, so that no queue of an exporter overflows."""


class Stage:
    """One run of some scenarios against one endpoint. `tallies` says what each session must show."""

    def __init__(self, endpoint: str, run_id: str, now_ns: int, on_turn: Callable[[str], None]) -> None:
        self.run_id = run_id
        self.now_ns = now_ns
        self.tallies: list[Tally] = []
        self._endpoint = endpoint
        self._on_turn = on_turn
        self._services: dict[str, Service] = {}
        self._turns = 0

    def service(self, name: str) -> Service:
        """The process of this name, the same each time."""
        if name not in self._services:
            self._services[name] = Service(name, self._endpoint)
        return self._services[name]

    def story(self, topic: str, user: str, ago_s: float) -> Story:
        """What a session that began so long ago tells; the same topic makes the same story each time."""
        tally = Tally(f"{topic}-{self.run_id}", user)
        self.tallies.append(tally)
        chance = random.Random(topic)  # noqa: S311 - no secret
        return Story(Clock(self.now_ns - int(ago_s * _SECOND_NS), chance), tally)

    def session(
        self,
        topic: str,
        user: str,
        *,
        ago_s: float,
        service: str,
        model: str,
        system: str,
        tags: tuple[str, ...] = (),
        metadata: Mapping[str, str] = {},
    ) -> Scene:
        """A session of one service and one model."""
        talk = Talk(self.service(service), model, system)
        root: Attributes = {"tag.tags": list(tags), "metadata": json.dumps(dict(metadata))} if tags or metadata else {}
        return Scene(self, self.story(topic, user, ago_s), talk, root)

    def tell(self, session_id: str) -> None:
        """A turn is over."""
        self._turns += 1
        if self._turns % _FLUSH_EVERY == 0:
            self.flush()
        self._on_turn(session_id)

    def flush(self) -> None:
        """Returns when everything is with the receiver. Raises `ConnectionError`."""
        for service in self._services.values():
            service.flush()

    def shutdown(self) -> None:
        for service in self._services.values():
            service.shutdown()


class Scene:
    """One session: `talk` is what its model hears and says, `turn` a trace of it."""

    def __init__(self, stage: Stage, story: Story, talk: Talk, root: Attributes) -> None:
        self._stage = stage
        self._root = root
        tally = story.tally
        self.story = Story(story.clock, tally, {"session.id": tally.session_id, "user.id": tally.user_id})
        self.talk = talk

    @contextmanager
    def turn(self, ask: str = "", *, after_s: float = 0, name: str = "chat turn") -> Iterator[Story]:
        """A turn in which the user asks this, so long after the last. A `TurnError` ends it and no more."""
        story = self.story
        story.clock.now_ns += int(after_s * _SECOND_NS)
        story.tally.traces += 1
        if ask:
            self.talk.hear(ask)
        with suppress(TurnError), self.talk.service.span(story, name, self._root, kind=SpanKind.SERVER):
            story.clock.spend(4, 15)
            yield story
            story.clock.spend(2, 8)
        self._stage.tell(story.tally.session_id)


class TurnError(Exception):
    """Ends a turn: each span on its way up has it."""
