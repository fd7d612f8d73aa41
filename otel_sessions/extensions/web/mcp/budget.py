# SPDX-License-Identifier: Apache-2.0
"""Answers within a budget: what is too long is folded, and says so beside what is left of it.

A text that was cut has its length in characters beside it (`input`, `input_length`), a list its length in items
(`points`, `points_length`), a mapping in keys. In a list, where there is no beside, a text ends with `… +N characters`.
Names of things to open (ids, cursors) are never cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import orjson

from otel_sessions.queries.rows import Row

BYTES_PER_TOKEN: Final = 4
MIN_TOKENS: Final = 25
MAX_TOKENS: Final = 1_000_000
TOO_SMALL: Final[Row] = {"folded": "nothing of this fits into max_tokens; ask again with more of them"}

_OPEN: Final = frozenset({"metadata", "arguments", "result", "parameters", "value"})
"""Members that hold what clients made up, keys included."""

Level: TypeAlias = "tuple[int, int]"
"""The most characters of a text, and the most items of a list."""
LEVELS: Final[tuple[Level, ...]] = ((8000, 1000), (2000, 200), (600, 60), (200, 20), (60, 8))


def text_of(answer: Any) -> str:
    """An answer as JSON, which is what its size is counted by; values that JSON does not have become text."""
    return orjson.dumps(answer, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def fits(answer: Any, max_tokens: int) -> bool:
    """Whether an answer is within so many tokens."""
    return size(answer) <= max_tokens * BYTES_PER_TOKEN


def first_that_fits(answers: Iterable[Row], max_tokens: int, too_small: Row = TOO_SMALL) -> Row:
    """The first of ever smaller answers that is within the budget; `too_small` where none is."""
    return next((answer for answer in answers if fits(answer, max_tokens)), too_small)


def size(answer: Any) -> int:
    """Bytes of an answer as JSON."""
    return len(text_of(answer).encode())


def with_fewer(
    fetch: Callable[[int], Row], whole: Row, most: int, shown: Callable[[Row], Row], max_tokens: int
) -> Iterator[Row]:
    """What `fetch` has for ever smaller numbers of rows, down to one, each number by the size of what came before.

    `whole` is what there is for `most`; it was too large as `shown`.
    """
    number, was = most, whole
    while number > 1:
        share = max_tokens * BYTES_PER_TOKEN / size(shown(was))
        number = max(1, min(number - 1, int(number * share * 0.95)))
        was = fetch(number)
        yield was


def fold_rows(answer: Row, name: str, level: Level) -> Row:
    """The answer with its members folded, and the list of this name as long as it is, each row of it folded."""
    return {
        member: [fold(row, level) for row in value] if member == name else fold(value, level)
        for member, value in answer.items()
    }


def fold(value: Any, level: Level, *, is_open: bool = False) -> Any:
    """`value` with its texts and lists cut; below a member of `_OPEN`, where anything may stand, mappings too."""
    texts, items = level
    if isinstance(value, Mapping):
        found: dict[str, Any] = {}
        for key, each in list(value.items())[: items if is_open else None]:
            name = str(key)[:texts] if is_open else key
            below = is_open or name in _OPEN or name.endswith("attributes")
            if not isinstance(each, str):
                found[name] = fold(each, level, is_open=below)
                if isinstance(each, list | Mapping) and len(each) > items and (below or isinstance(each, list)):
                    found[f"{name}_length"] = len(each)
            elif len(each) > texts and (is_open or not (name.endswith(("_id", "cursor")) or name == "folded")):
                found[name] = each[:texts]
                found[f"{name}_length"] = value.get(f"{name}_length", len(each))
            else:
                found[name] = each
        return found
    if isinstance(value, list):
        return [fold(each, level, is_open=is_open) for each in value[:items]]
    if isinstance(value, str) and len(value) > texts:
        return f"{value[:texts]}… +{len(value) - texts} characters"
    return value
