# SPDX-License-Identifier: Apache-2.0
"""Chat messages flattened into attributes that count them.

`gen_ai.prompt.0.role`, `gen_ai.prompt.0.content`, `gen_ai.prompt.1.role` and so on are the family `gen_ai.prompt.N.*`.
What is understood below the number is in `_MEMBERS`, with what OpenLLMetry and OpenInference write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.pdata.attributes import Indices, Mask, Named

SUFFIX: Final = ".N.*"
ROLE, TEXT, MEDIA, TOOL_NAME, TOOL_ARGUMENTS, RESULT = range(6)

_NUMBER: Final = r"(\d{1,6})"
_MEMBERS: Final = (
    (ROLE, re.compile(r"(?:message\.)?role")),
    (TEXT, re.compile(r"(?:message\.)?content")),
    (TEXT, re.compile(rf"(?:message\.)?contents\.{_NUMBER}\.message_content\.text")),
    (MEDIA, re.compile(rf"(?:message\.)?contents\.{_NUMBER}\.message_content\.image\.image\.url")),
    (TOOL_NAME, re.compile(rf"(?:message\.)?tool_calls\.{_NUMBER}\.(?:tool_call\.)?(?:function\.)?name")),
    (TOOL_ARGUMENTS, re.compile(rf"(?:message\.)?tool_calls\.{_NUMBER}\.(?:tool_call\.)?(?:function\.)?arguments")),
    (TOOL_NAME, re.compile(r"(?:message\.)?function_call_name")),
    (TOOL_ARGUMENTS, re.compile(r"(?:message\.)?function_call_arguments_json")),
    (RESULT, re.compile(r"(?:message\.)?tool_call_id")),
)
_REMEMBERED: Final = 10_000
_MAX_STEPS: Final = 1000
_IMAGE: Final = "[image]"


@dataclass(frozen=True, slots=True)
class Pieces:
    """The attributes of one family: what each is of which message of which row, and its text. None is empty."""

    rows: Indices
    messages: Indices
    """The number in the key."""
    kinds: Indices
    places: Indices
    """The order within the message: one after the other, the name of a tool before its arguments."""
    texts: pa.StringArray

    def filter(self, kept: Mask) -> Pieces:
        arrays = (self.rows[kept], self.messages[kept], self.kinds[kept], self.places[kept])
        return Pieces(*arrays, self.texts.filter(pa.array(kept)))


class Families:
    """Finds the families that somebody wants; every key is looked at once."""

    def __init__(self, names: Iterable[str]) -> None:
        self._prefixes = [(name, name.removesuffix(SUFFIX) + ".") for name in names]
        self._place = lru_cache(_REMEMBERED)(self._find)

    def pieces(self, attributes: Named) -> Mapping[str, Pieces]:
        """The pieces of each family that occurs in the column, by its name."""
        members = [self._place(key) for key in attributes.names.to_pylist()]
        parsed = np.array([each[1:] for each in members], np.int64)
        found = {}
        for number, (name, _) in enumerate(self._prefixes):
            ours = np.array([each[0] == number for each in members], np.bool_)
            if ours.any():
                where = np.flatnonzero(ours[attributes.codes])
                texts = attributes.values.take(pa.array(where))
                full = pc.greater(pc.binary_length(texts), 0)
                where = where[full.to_numpy(zero_copy_only=False)]
                if len(where):
                    messages, kinds, places = parsed[attributes.codes[where]].T
                    found[name] = Pieces(attributes.rows_of(where), messages, kinds, places, texts.filter(full))
        return found

    def _find(self, key: str) -> tuple[int, int, int, int]:
        """The family of a key, and its message, kind and place; -1 for what is of none."""
        for number, (_, prefix) in enumerate(self._prefixes):
            if key.startswith(prefix):
                message, _, member = key[len(prefix) :].partition(".")
                if message.isascii() and message.isdigit() and len(message) <= 6:
                    for kind, pattern in _MEMBERS:
                        if match := pattern.fullmatch(member):
                            inner = int(match[1]) if match.groups() else 0
                            return number, int(message), kind, 2 * inner + (kind == TOOL_ARGUMENTS)
        return -1, 0, -1, 0


def is_family(key: str) -> bool:
    return key.endswith(SUFFIX)


def last_said(
    pieces: Pieces, roles: frozenset[str], wanted: Mask, read: Callable[[pa.StringArray], pa.StringArray]
) -> tuple[Mask, pa.StringArray]:
    """Of each wanted row that has any: what the last message of one of the roles says, else the last of all.

    A message without text shows its pictures, or says which tools it calls; one in which only a tool returned
    something, so that `read` makes nothing of it, is left out. The mask tells the rows, in whose order the texts are.
    """
    spoken = pieces.filter((pieces.kinds != ROLE) & (pieces.kinds != RESULT) & wanted[pieces.rows])
    done, texts = np.zeros(len(wanted), np.bool_), pa.array([], pa.string())
    if not len(spoken.rows):
        return done, texts
    # Roles first, then numbers: the greatest is the message.
    rank = spoken.messages + _of_roles(pieces, roles, spoken) * 10**7
    order, found = [], []
    for _ in range(_MAX_STEPS):
        best = np.full(len(wanted), -1, np.int64)
        np.maximum.at(best, spoken.rows, rank)
        chosen = spoken.filter(rank == best[spoken.rows])
        rows = np.flatnonzero(best >= 0)
        said = read(_joined(_shown(chosen, len(wanted))))
        full = pc.binary_length(said).to_numpy() > 0
        done[rows[full]] = True
        order.append(rows[full])
        found.append(said.filter(pa.array(full)))
        left = ~done[spoken.rows] & (rank != best[spoken.rows])
        spoken, rank = spoken.filter(left), rank[left]
        if not len(spoken.rows):
            break
    places = np.argsort(np.concatenate(order), kind="stable")
    return done, pa.concat_arrays(found).take(pa.array(places))


def _of_roles(pieces: Pieces, roles: frozenset[str], spoken: Pieces) -> Mask:
    """Which of the spoken pieces are of a message whose role is one of these."""
    named = pieces.filter(pieces.kinds == ROLE)
    ours = pc.is_in(pc.utf8_lower(named.texts), value_set=pa.array(sorted(roles))).to_numpy(zero_copy_only=False)
    of = _identity(named)[ours]
    wanted: Mask = np.isin(_identity(spoken), of)
    return wanted


def _identity(pieces: Pieces) -> npt.NDArray[np.int64]:
    return pieces.rows * 10**6 + pieces.messages


def _shown(pieces: Pieces, rows: int) -> Pieces:
    """Of one message a row: its text; without any its pictures; without these its calls."""
    best = np.full(rows, TOOL_ARGUMENTS, np.int64)
    np.minimum.at(best, pieces.rows, pieces.kinds)
    of_row = best[pieces.rows]
    return pieces.filter((pieces.kinds == of_row) | ((of_row >= TOOL_NAME) & (pieces.kinds >= TOOL_NAME)))


def _joined(pieces: Pieces) -> pa.StringArray:
    """The pieces of each row as one text: a line each, arguments in parentheses behind the name of their tool."""
    order = np.lexsort((pieces.places, pieces.rows))
    rows, kinds = pieces.rows[order], pieces.kinds[order]
    texts = pieces.texts.take(pa.array(order))
    begins = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))
    if len(begins) == len(rows) and (kinds == TEXT).all():
        return texts
    texts = pc.if_else(pa.array(kinds == MEDIA), _IMAGE, texts)
    arguments = pa.array(kinds == TOOL_ARGUMENTS)
    texts = pc.if_else(arguments, pc.binary_join_element_wise("(", texts, ")", ""), texts)
    first = np.zeros(len(rows), np.bool_)
    first[begins] = True
    breaks = pc.if_else(pa.array(~first & (kinds != TOOL_ARGUMENTS)), "\n", "")
    texts = pc.binary_join_element_wise(breaks, texts, "")
    lists = pa.ListArray.from_arrays(pa.array(np.append(begins, len(rows)), pa.int32()), texts)
    return pc.binary_join(lists, "")
