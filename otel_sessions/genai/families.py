"""Families of keys: chat messages flattened into attributes that count them.

`gen_ai.prompt.0.role`, `gen_ai.prompt.0.content`, `gen_ai.prompt.1.role` and so on are the family `gen_ai.prompt.N.*`.
What is understood below the number is in `_MEMBERS`, with what OpenLLMetry and OpenInference write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.pdata.attributes import Indices, Mask

SUFFIX: Final = ".N.*"
ROLE, TEXT, TOOL_NAME, TOOL_ARGUMENTS = range(4)

_NUMBER: Final = r"(\d{1,6})"
_MEMBERS: Final = (
    (ROLE, re.compile(r"(?:message\.)?role")),
    (TEXT, re.compile(r"(?:message\.)?content")),
    (TEXT, re.compile(rf"(?:message\.)?contents\.{_NUMBER}\.message_content\.text")),
    (TOOL_NAME, re.compile(rf"(?:message\.)?tool_calls\.{_NUMBER}\.(?:tool_call\.)?(?:function\.)?name")),
    (TOOL_ARGUMENTS, re.compile(rf"(?:message\.)?tool_calls\.{_NUMBER}\.(?:tool_call\.)?(?:function\.)?arguments")),
    (TOOL_NAME, re.compile(r"(?:message\.)?function_call_name")),
    (TOOL_ARGUMENTS, re.compile(r"(?:message\.)?function_call_arguments_json")),
)
_SHORTEST: Final = "0.role"
_DIGIT_0: Final = ord("0")


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
    """Finds the families that somebody wants."""

    def __init__(self, names: Iterable[str]) -> None:
        self._prefixes = {name: name.removesuffix(SUFFIX) + "." for name in names}
        self._lengths = sorted({len(prefix.encode()) for prefix in self._prefixes.values()})

    def pieces(self, attributes: pa.MapArray) -> Mapping[str, Pieces]:
        """The pieces of each family that occurs in the column, by its name."""
        offsets = attributes.offsets.to_numpy()
        start, stop = int(offsets[0]), int(offsets[-1])
        keys = attributes.keys.slice(start, stop - start)
        where = _counting(keys, self._lengths)
        if not len(where):
            return {}
        keys, values = keys.take(pa.array(where)), attributes.items.slice(start, stop - start).take(pa.array(where))
        rows = np.searchsorted(offsets - start, where, side="right") - 1
        found = {name: _pieces(prefix, keys, values, rows) for name, prefix in self._prefixes.items()}
        return {name: pieces for name, pieces in found.items() if len(pieces.rows)}


def is_family(key: str) -> bool:
    return key.endswith(SUFFIX)


def _counting(keys: pa.StringArray, lengths: Sequence[int]) -> Indices:
    """The keys with a digit where a family of one of these lengths has its number: few, in any batch."""
    _, offsets, data = keys.buffers()
    if data is None or data.size <= max(lengths, default=0):
        return np.zeros(0, np.int64)
    text = np.frombuffer(data, np.uint8)
    long = np.flatnonzero(pc.binary_length(keys).to_numpy() >= lengths[0] + len(_SHORTEST))
    begins = np.frombuffer(offsets, np.int32)[keys.offset : keys.offset + len(keys)][long].astype(np.int64)
    counting = np.zeros(len(long), np.bool_)
    for length in lengths:
        # Past the end of a key stands another one, or nothing: the keys are looked at again.
        counting |= text[length:].take(begins, mode="clip") - np.uint8(_DIGIT_0) < 10
    return long[counting]


def _pieces(prefix: str, keys: pa.StringArray, values: pa.StringArray, rows: Indices) -> Pieces:
    mask = pc.and_(pc.starts_with(keys, prefix), pc.greater(pc.binary_length(values), 0))
    names = keys.filter(mask).dictionary_encode()
    members = np.array([_member(name[len(prefix) :]) for name in names.dictionary.to_pylist()], np.int64).reshape(-1, 3)
    messages, kinds, places = members[names.indices.to_numpy()].T
    pieces = Pieces(rows[mask.to_numpy(zero_copy_only=False)], messages, kinds, places, values.filter(mask))
    return pieces.filter(kinds >= 0)


def _member(rest: str) -> tuple[int, int, int]:
    """Message, kind and place; kind -1 for what is not understood."""
    number, _, member = rest.partition(".")
    if number.isascii() and number.isdigit() and len(number) <= 6:
        for kind, pattern in _MEMBERS:
            if match := pattern.fullmatch(member):
                inner = int(match[1]) if match.groups() else 0
                return int(number), kind, 2 * inner + (kind == TOOL_ARGUMENTS)
    return 0, -1, 0
