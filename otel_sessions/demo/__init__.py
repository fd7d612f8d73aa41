"""A chat application to try the service with: real OpenTelemetry SDK, real OTLP, a model that costs nothing."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable

from otel_sessions.demo.chat import Conversation, Retriever
from otel_sessions.demo.script import CHATS, Chat
from otel_sessions.demo.tracing import Clock, Service, Story, Tally

__all__ = ["TURNS", "Tally", "run"]

TURNS = sum(len(chat.turns) for chat in CHATS)
"""How many turns `run` sends."""


def run(
    endpoint: str,
    *,
    run_id: str | None = None,
    now_ns: int | None = None,
    on_turn: Callable[[str], None] = lambda _: None,
) -> tuple[Tally, ...]:
    """Sends five chat sessions of the last minutes to the OTLP/gRPC `endpoint`, as in `http://127.0.0.1:4317`.

    Returns what each session must show, once all spans were sent. `run_id` ends the session ids and is random by
    default: each run makes new sessions with the same figures. `on_turn` is called with the session id after each turn.
    Raises `ConnectionError` when nobody takes the spans.
    """
    run_id = run_id or secrets.token_hex(2)
    now_ns = time.time_ns() if now_ns is None else now_ns
    api, retriever = Service("chat-api", endpoint), Retriever(Service("retriever", endpoint))
    tallies = []
    try:
        for chat in CHATS:
            tally = Tally(f"{chat.topic}-{run_id}", chat.user)
            _hold(chat, api, retriever, Story(_clock(chat, now_ns), tally), on_turn)
            tallies.append(tally)
        retriever.service.flush()
        api.flush()
    finally:
        api.shutdown()
        retriever.service.shutdown()
    return tuple(tallies)


def _hold(chat: Chat, api: Service, retriever: Retriever, story: Story, on_turn: Callable[[str], None]) -> None:
    """One session."""
    conversation = Conversation(chat, api, retriever, story)
    for turn in chat.turns:
        conversation.answer(turn)
        on_turn(story.tally.session_id)


def _clock(chat: Chat, now_ns: int) -> Clock:
    return Clock(now_ns - chat.ago_s * 1_000_000_000, random.Random(chat.topic))  # noqa: S311 - the same story each time
