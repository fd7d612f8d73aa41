# SPDX-License-Identifier: Apache-2.0
"""Reads lines of JSON: objects, times, and the texts in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def objects(path: Path) -> Iterator[Mapping[str, Any]]:
    """The objects in a file, a line each; a last line that is still being written is left out."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, Mapping):
                yield value


def nanoseconds(time: Any) -> int:
    """The nanoseconds from 1970 to a time in RFC 3339; 0 for anything else."""
    try:
        moment = datetime.fromisoformat(time)
    except (TypeError, ValueError):
        return 0
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000


def parsed(value: Any) -> Any:
    """The value that a text is in JSON; the text itself where it is none."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def text_of(content: Any) -> str:
    """The words of a text, or of a list of blocks with text; JSON of anything else."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list) and all(isinstance(block, Mapping) for block in content):
        return "\n".join(str(block["text"]) if "text" in block else f"[{block.get('type', '')}]" for block in content)
    return json.dumps(content, ensure_ascii=False)
