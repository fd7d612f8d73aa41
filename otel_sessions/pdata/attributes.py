# SPDX-License-Identifier: Apache-2.0
"""Attributes by key, for all spans of a batch at once.

    keys = KeySet(["user.id", "enduser.id"])              # once
    found = keys.entries(batch.named("SpanAttributes"))   # once a batch: of its few names, not of all its attributes
    users = found.text(found.first(["user.id", "enduser.id"]))

An attribute whose text is empty counts as absent. Where a row repeats a key, the first value stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Indices: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]

_NONE: Final = slice(0, 0)
_NO_INDICES: Final = np.zeros(0, np.int64)
_FEW: Final = 2**16  # numpy sorts numbers of two bytes in one pass


@dataclass(frozen=True, slots=True)
class Named:
    """All attributes of a column, with each name once: what is asked of names is asked of few."""

    length: int
    """Rows of the column."""
    offsets: Indices
    """Where the attributes of each row begin, counted from 0, and where the last ones end."""
    names: pa.StringArray
    """The distinct names."""
    codes: Indices
    """Of each attribute: the place of its name in `names`."""
    values: pa.StringArray
    ends: Indices
    """Where the attributes of each name end in `places` and `rows`, after a leading 0."""
    places: Indices
    """The attributes by name, those of a name in the order of their rows."""
    rows: Indices
    """The row of each of `places`."""

    @classmethod
    def of(cls, attributes: pa.MapArray) -> Named:
        """The attributes of a column by name; the column may be a slice of another."""
        offsets = attributes.offsets.to_numpy()
        start, stop = int(offsets[0]), int(offsets[-1])
        encoded = attributes.keys.slice(start, stop - start).dictionary_encode()
        values = attributes.items.slice(start, stop - start)
        codes = encoded.indices.to_numpy()
        places = np.argsort(codes.astype(np.uint16) if len(encoded.dictionary) < _FEW else codes, kind="stable")
        ends = np.concatenate(([0], np.cumsum(np.bincount(codes, minlength=len(encoded.dictionary)))))
        rows = np.repeat(np.arange(len(attributes)), np.diff(offsets))[places]
        return cls(len(attributes), offsets - start, encoded.dictionary, codes, values, ends, places, rows)

    def rows_of(self, places: Indices) -> Indices:
        """The rows of the attributes at these places."""
        return np.repeat(np.arange(self.length), np.diff(self.offsets))[places]


class KeySet:
    """The keys that somebody wants, each once, in the order given."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = tuple(dict.fromkeys(keys))
        self.codes = {key: code for code, key in enumerate(self.keys)}
        self._array = pa.array(self.keys, pa.string())
        self._edges = np.arange(len(self.keys) + 1)
        self._beginning: dict[tuple[str, ...], Mask] = {}

    def entries(self, attributes: pa.MapArray | Named) -> Entries:
        """All attributes of the column (text by text, no nulls) whose key is one of these."""
        named = attributes if isinstance(attributes, Named) else Named.of(attributes)
        of_names = self.codes_of(named.names)
        found = np.flatnonzero(of_names >= 0)
        found = found[np.argsort(of_names[found])]
        begins, ends = named.ends[found], named.ends[found + 1]
        codes = np.repeat(of_names[found], ends - begins)
        parts = list(zip(begins.tolist(), ends.tolist(), strict=True))
        rows, places = (
            np.concatenate([_NO_INDICES, *(each[begin:end] for begin, end in parts)])
            for each in (named.rows, named.places)
        )
        filled = pc.binary_length(named.values).to_numpy()[places] > 0
        if not filled.all():
            codes, rows, places = codes[filled], rows[filled], places[filled]
        repeated = (codes[1:] == codes[:-1]) & (rows[1:] == rows[:-1])
        if repeated.any():
            once = np.flatnonzero(np.concatenate(([True], ~repeated)))
            codes, rows, places = codes[once], rows[once], places[once]
        return Entries(self, named.length, named.values, codes, rows, places, self.parts(codes))

    def codes_of(self, names: pa.StringArray) -> Indices:
        """The place of each name among the keys, -1 for any other name."""
        codes: Indices = pc.fill_null(pc.index_in(names, value_set=self._array), -1).to_numpy().astype(np.int64)
        return codes

    def beginning(self, prefixes: tuple[str, ...]) -> Mask:
        """Which of the keys begin with one of the prefixes."""
        if prefixes not in self._beginning:
            self._beginning[prefixes] = np.array([key.startswith(prefixes) for key in self.keys], np.bool_)
        return self._beginning[prefixes]

    def names(self, codes: Indices) -> pa.StringArray:
        """The keys at these places, empty text for -1."""
        return take_text(self._array, codes)

    def parts(self, codes: Indices) -> dict[str, slice]:
        """Where each of the keys that occur stands in sorted codes."""
        bounds = np.searchsorted(codes, self._edges).tolist()
        return {key: slice(*ends) for key, ends in zip(self.keys, pairwise(bounds), strict=True) if ends[0] < ends[1]}


@dataclass(frozen=True, slots=True)
class Entries:
    """The wanted attributes of a column, sorted by key, then by row; no row has a key twice.

    An entry is a number from 0 to `len(codes)`; where one per row is asked for, -1 says that the row has none.
    """

    keys: KeySet
    length: int
    """Rows of the column."""
    values: pa.StringArray
    """The values of all its attributes, wanted or not."""
    codes: Indices
    """Of each entry: the place of its key in `keys`."""
    rows: Indices
    """Of each entry: its row."""
    places: Indices
    """Of each entry: the place of its value in `values`."""
    parts: dict[str, slice]
    """The entries of each key that occurs."""

    def has(self, key: str) -> bool:
        """Whether any row has the key."""
        return key in self.parts

    def of(self, key: str) -> slice:
        """The entries of a key, none if no row has it."""
        return self.parts.get(key, _NONE)

    def first(self, keys: Sequence[str], usable: Mask | None = None) -> Indices:
        """The entry of each row under the first of these keys that it has; only `usable` entries count, if given."""
        chosen = np.full(self.length, -1, np.int64)
        for part in [self.parts[key] for key in reversed(keys) if key in self.parts]:
            entries = np.arange(part.start, part.stop)
            if usable is not None:
                entries = entries[usable[part]]
            chosen[self.rows[entries]] = entries
        return chosen

    def only(self, keys: Iterable[str]) -> Entries:
        """The entries of these keys alone, numbered anew."""
        kept = np.zeros(len(self.codes), np.bool_)
        for key in keys:
            kept[self.of(key)] = True
        return self.filter(kept)

    def filter(self, kept: Mask) -> Entries:
        """The entries that are kept, numbered anew."""
        codes = self.codes[kept]
        return replace(self, codes=codes, rows=self.rows[kept], places=self.places[kept], parts=self.keys.parts(codes))

    def with_texts(self, found: Sequence[tuple[str, Indices, pa.StringArray]]) -> Entries:
        """The entries with more texts: of a key that has no entry yet, the rows in order, and the text of each."""
        codes, rows, places, values = [self.codes], [self.rows], [self.places], [self.values]
        for key, of_rows, texts in found:
            codes.append(np.full(len(of_rows), self.keys.codes[key]))
            rows.append(of_rows)
            places.append(np.arange(len(texts)) + sum(map(len, values)))
            values.append(texts)
        order = np.argsort(np.concatenate(codes), kind="stable")
        sorted_codes = np.concatenate(codes)[order]
        return replace(
            self,
            values=pa.concat_arrays(values),
            codes=sorted_codes,
            rows=np.concatenate(rows)[order],
            places=np.concatenate(places)[order],
            parts=self.keys.parts(sorted_codes),
        )

    def text(self, entries: Indices) -> pa.StringArray:
        """The values of these entries, empty text for -1."""
        if not self.parts:
            return empty_text(len(entries))
        return take_text(self.values, np.where(entries >= 0, self.places[entries], -1))

    def beginning(self, prefixes: tuple[str, ...]) -> Mask:
        """Which entries stand under a key that begins with one of the prefixes."""
        return self.keys.beginning(prefixes)[self.codes]

    def all_text(self) -> pa.StringArray:
        """The values of all entries, in their order."""
        return self.values.take(pa.array(self.places))

    def listed(self, lists: pa.ListArray) -> Mask:
        """Which entries have their key in their row's list."""
        if not len(lists.flatten()):
            return np.zeros(len(self.codes), np.bool_)
        rows = pc.list_parent_indices(lists).to_numpy()
        codes = self.keys.codes_of(lists.flatten())
        width = len(self.keys.keys)
        listed: Mask = np.isin(self.rows * width + self.codes, (rows * width + codes)[codes >= 0])
        return listed


def take_text(values: pa.StringArray, places: Indices) -> pa.StringArray:
    """The values at these places, empty text for -1."""
    absent = places < 0
    if not absent.any():
        return values.take(pa.array(places))
    if absent.all():
        return empty_text(len(places))
    return pc.fill_null(values.take(pa.array(places, mask=absent)), "")


def empty_text(length: int) -> pa.StringArray:
    """Empty text, `length` times."""
    return pa.repeat(pa.scalar("", pa.string()), length)


def ends_of(offsets: Indices, kept: Mask) -> pa.Array:
    """The offsets, counted from 0, of lists or maps of which only the `kept` entries are left."""
    return pa.array(np.concatenate(([0], np.cumsum(kept)))[offsets - offsets[0]], pa.int32())
