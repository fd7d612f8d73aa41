# SPDX-License-Identifier: Apache-2.0
"""How often a statement is tried, and with how much memory each time.

First with little, then with all that a statement may have, at last by way of the disk, by one thread and in small
blocks. What needed much of late is not tried with little in vain again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from otel_sessions.clickhouse.errors import code_of, is_of_all

MOST: Final = 512 << 20
"""Bytes that one statement may take while the service has so many left."""
LARGEST_ANSWER: Final = 96 << 20
LITTLE_ANSWER: Final = 8 << 20
"""The same of an answer, which the engine does not count among what a statement takes."""
MEMORY: Final = "max_memory_usage"
RESULT: Final = "max_result_bytes"
ALWAYS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("max_bytes_ratio_before_external_group_by", "max_bytes_ratio_before_external_sort"), 0),
    "output_format_parallel_formatting": 0,  # it has several blocks of texts at a time
    "output_format_parquet_row_group_size_bytes": 16 << 20,  # it has a group several times, hardly counted
}
"""The settings of all statements."""
_MEMORY_LIMIT: Final = 241
_RESULT_LIMIT: Final = 396
_BY_DISK: Final = ("max_bytes_before_external_group_by", "max_bytes_before_external_sort")
_REMEMBERED_S: Final = 60.0
_MOST_REMEMBERED: Final = 1_000
_ABOUT: Final = ("project", "session_id")
_ENDS_EARLY: Final = "result_overflow_mode = 'break'"
"""In a page of texts, of which those that do not fit are read next: in more blocks at a time they are read in vain."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt has of its own: settings, and whether what is more than half of its memory goes to the disk,
    which takes several times the CPU.
    """

    settings: Mapping[str, int] = field(default_factory=dict)
    is_little: bool = False
    spills: bool = False

    def chosen(self, wanted: Mapping[str, Any], most: int, largest_answer: int) -> dict[str, Any]:
        """The settings of a statement that came with those `wanted`, of which the bounds hold where they are less."""
        memory = most if self.is_little else granted(wanted, most)
        answer = self.answer(largest_answer)
        spilling = dict.fromkeys(_BY_DISK, memory // 2) if self.spills else {}
        return {
            **spilling,
            **self.settings,
            **wanted,
            MEMORY: memory,
            RESULT: min(answer, int(wanted.get(RESULT, answer))),
        }

    def answer(self, largest: int) -> int:
        """Bytes of its answer where one may have the `largest`."""
        return min(LITTLE_ANSWER, largest) if self.is_little else largest

    def is_short(self, error: BaseException) -> bool:
        """Whether it failed for want of what the next has more of, or needs less of."""
        code = code_of(error)
        if code == _RESULT_LIMIT:
            return self.is_little
        return code == _MEMORY_LIMIT and not is_of_all(error)


WITH_LITTLE: Final = Attempt(is_little=True)
WITH_MUCH: Final = Attempt(dict.fromkeys(_BY_DISK, 0))
SPILLING: Final = Attempt({"max_threads": 2}, spills=True)
FRUGAL: Final = Attempt({"max_threads": 1, "max_block_size": 256}, spills=True)
"""For rows of tens of megabytes: one after the other."""


def granted(wanted: Mapping[str, Any], most: int) -> int:
    """Bytes that a statement has that came with these settings, where it may have `most`."""
    return min(most, int(wanted.get(MEMORY, most)))


class Needy:
    """Statements that little was not enough for of late, by their texts, and by the session that they are about: the
    same is asked of many that are small.
    """

    def __init__(self) -> None:
        self._until: OrderedDict[int, float] = OrderedDict()
        self._using = threading.Lock()

    def note(self, query: str, parameters: Any = None) -> None:
        key = _key(query, parameters)
        with self._using:
            self._until[key] = time.monotonic() + _REMEMBERED_S
            self._until.move_to_end(key)
            if len(self._until) > _MOST_REMEMBERED:
                self._until.popitem(last=False)

    def has(self, query: str, parameters: Any = None) -> bool:
        with self._using:
            return self._until.get(_key(query, parameters), 0.0) > time.monotonic()


def _key(query: str, parameters: Any) -> int:
    about = tuple(str(parameters.get(name)) for name in _ABOUT) if isinstance(parameters, Mapping) else ()
    return hash((query, about))


NEEDY: Final = Needy()


def attempts_at(query: str, parameters: Any, wanted: Mapping[str, Any]) -> list[Attempt]:
    """How to try a statement, one after the other; once less where it says how much it may have."""
    is_large = MEMORY in wanted or NEEDY.has(query, parameters)
    return [*([] if is_large else [WITH_LITTLE]), *([] if _ENDS_EARLY in query else [WITH_MUCH, SPILLING]), FRUGAL]
