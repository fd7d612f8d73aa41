# SPDX-License-Identifier: Apache-2.0
"""The whole texts of which a turn shows the beginnings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from otel_sessions.genai.messages import words
from otel_sessions.genai.transcript import Reader
from otel_sessions.queries import sessions
from otel_sessions.queries.rows import Row

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_SHORT = 100
"""Shorter beginnings are whole: `max_preview_chars` is hardly less."""
_MAX_SPANS = 2000
_CHUNK = 20


def with_whole_texts(client: Client, project: str, session_id: str, turns: Sequence[Row]) -> list[Row]:
    """The turns with `Input` and `Output` whole, where the spans of the turn have the text that begins so."""
    long = [str(turn["TraceId"]) for turn in turns if max(len(turn["Input"]), len(turn["Output"])) >= _SHORT]
    whole: dict[str, dict[str, str]] = {}
    for start in range(0, len(long), _CHUNK):
        named = long[start : start + _CHUNK]
        spans = sessions.contents(client, project=project, session_id=session_id, traces=named, limit=_MAX_SPANS)
        texts = {trace: list(_texts(span for span in spans if span["TraceId"] == trace)) for trace in named}
        for turn in turns:
            if turn["TraceId"] in texts:
                found = texts[turn["TraceId"]]
                whole[turn["TraceId"]] = {name: _whole(turn[name], found) for name in ("Input", "Output")}
    return [{**turn, **whole.get(turn["TraceId"], {})} for turn in turns]


def _whole(beginning: str, texts: Iterable[str]) -> str:
    """The shortest of the texts that begin so; the beginning where there is none."""
    if len(beginning) < _SHORT:
        return beginning
    return min((text for text in texts if text.startswith(beginning)), key=len, default=beginning)


def _texts(spans: Iterable[Row]) -> Iterator[str]:
    """The texts of all messages of the spans, and all their attributes as they are."""
    reader = Reader()
    for span in spans:
        attributes: Mapping[str, str] = span["SpanAttributes"]
        events = list(zip(span["EventNames"], span["EventAttributes"], strict=True))
        step = reader.step(attributes, events)
        yield from map(words, (*step.input, *step.output))
        yield from attributes.values()
