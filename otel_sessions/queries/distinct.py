# SPDX-License-Identifier: Apache-2.0
"""What the turns of a replay refer to by its number: each distinct message, each distinct tool, once a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import orjson

from otel_sessions.genai.messages import as_text
from otel_sessions.queries import shapes

_MAX_SAME: Final = 20_000
_LONG: Final = ("text", "arguments", "result", "url", "value")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a table: its number, and what it is told from others by, on this page and on others."""

    ref: int
    digest: bytes


class Table:
    """Distinct objects, numbered; shown with their texts cut to so many characters."""

    def __init__(self, preview: int | None) -> None:
        self._preview = preview
        self._known: dict[bytes, Entry] = {}
        self._same: dict[int, tuple[Any, Entry]] = {}
        self.rows: list[Any] = []
        self.digests: list[bytes] = []
        """Of each row."""
        self.size = 0
        """Bytes of all rows."""
        self.refs = 0
        """How often a row was asked for."""

    def add(self, value: dict[str, Any]) -> Entry:
        """The row of a value, a new one if there is none yet."""
        self.refs += 1
        same = self._same.get(id(value))
        if same is not None:
            return same[1]
        value, body = _sayable(value)
        digest = _digest(body)
        entry = self._known.get(digest)
        if entry is None:
            entry = self._known[digest] = Entry(len(self.rows), digest)
            self.rows.append(value if self._preview is None else cut_value(value, self._preview))
            self.digests.append(digest)
            self.size += len(body)
        self._same[id(value)] = value, entry
        return entry


class Digests:
    """The digests that entries of a `Table` have, without the table; one of an object that came before is known."""

    def __init__(self) -> None:
        self._same: dict[int, tuple[Any, bytes]] = {}

    def of(self, value: dict[str, Any]) -> bytes:
        same = self._same.get(id(value))
        if same is not None:
            return same[1]
        if len(self._same) >= _MAX_SAME:
            self._same.clear()
        digest = _digest(_sayable(value)[1])
        self._same[id(value)] = value, digest
        return digest


def _sayable(value: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """A value and its JSON; another in its place where JSON or UTF-8 cannot say it, or it is nested beyond reason."""
    try:
        return value, orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError, RecursionError):
        value = {**value, "parts": [{"type": "other", "value": None}]} if "parts" in value else {"name": ""}
        return value, orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).digest()


def cut_value(value: Mapping[str, Any], preview: int) -> dict[str, Any]:
    """A message with the texts of its parts, or a tool with its description, cut to so many characters."""
    if "parts" not in value:
        return shapes.cut(dict(value), preview)
    parts = [dict(part) for part in value["parts"]]
    for part in parts:
        for name in _LONG:
            text = as_text(part[name]) if name in part else ""
            if len(text) > preview:  # with the full length beside it
                part[name], part[f"{name}_length"] = text[:preview], len(text)
    return {**value, "parts": parts}
