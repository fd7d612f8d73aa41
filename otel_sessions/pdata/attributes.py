"""Attributes by key, for all spans of a batch at once.

    keys = KeySet(["user.id", "enduser.id"])              # once
    found = keys.entries(batch["SpanAttributes"])         # once a batch: one pass over all its attributes
    users = found.text(found.first(["user.id", "enduser.id"]))

An attribute whose text is empty counts as absent. Where a row repeats a key, the first value stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Indices: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]


class KeySet:
    """The keys that somebody wants, each once, in the order given."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = tuple(dict.fromkeys(keys))
        self.codes = {key: code for code, key in enumerate(self.keys)}
        self._array = pa.array(self.keys, pa.string())

    def entries(self, attributes: pa.MapArray) -> Entries:
        """All attributes of the column (text by text, no nulls) whose key is one of these."""
        offsets = attributes.offsets.to_numpy()
        start, stop = int(offsets[0]), int(offsets[-1])
        names, values = attributes.keys.slice(start, stop - start), attributes.items.slice(start, stop - start)
        codes = self.codes_of(names)
        wanted = np.flatnonzero((codes >= 0) & (pc.binary_length(values).to_numpy() > 0))
        wanted = wanted[np.argsort(codes[wanted].astype(np.int16), kind="stable")]
        codes, rows = codes[wanted], np.searchsorted(offsets - start, wanted, side="right") - 1
        repeated = (codes[1:] == codes[:-1]) & (rows[1:] == rows[:-1])
        if repeated.any():
            once = np.flatnonzero(np.concatenate(([True], ~repeated)))
            codes, rows, wanted = codes[once], rows[once], wanted[once]
        return Entries(self, len(attributes), values, codes, rows, wanted, self._bounds(codes))

    def codes_of(self, names: pa.StringArray) -> Indices:
        """The place of each name among the keys, -1 for any other name."""
        codes: Indices = pc.fill_null(pc.index_in(names, value_set=self._array), -1).to_numpy().astype(np.int64)
        return codes

    def names(self, codes: Indices) -> pa.StringArray:
        """The keys at these places, empty text for -1."""
        return take_text(self._array, codes)

    def _bounds(self, codes: Indices) -> Indices:
        return np.searchsorted(codes, np.arange(len(self.keys) + 1))


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
    bounds: Indices
    """The entries of the key at place `i` are those from `bounds[i]` to `bounds[i + 1]`."""

    def of(self, key: str) -> slice:
        """The entries of a key."""
        code = self.keys.codes[key]
        return slice(int(self.bounds[code]), int(self.bounds[code + 1]))

    def first(self, keys: Sequence[str], usable: Mask | None = None) -> Indices:
        """The entry of each row under the first of these keys that it has; only `usable` entries count, if given."""
        chosen = np.full(self.length, -1, np.int64)
        for key in reversed(keys):
            part = self.of(key)
            entries = np.arange(part.start, part.stop)
            if usable is not None:
                entries = entries[usable[part]]
            chosen[self.rows[entries]] = entries
        return chosen

    def only(self, keys: Iterable[str]) -> Entries:
        """The entries of these keys alone, numbered anew."""
        kept = np.zeros(len(self.keys.keys), np.bool_)
        kept[[self.keys.codes[key] for key in keys]] = True
        mask = kept[self.codes]
        codes = self.codes[mask]
        bounds = np.searchsorted(codes, np.arange(len(kept) + 1))
        return replace(self, codes=codes, rows=self.rows[mask], places=self.places[mask], bounds=bounds)

    def text(self, entries: Indices) -> pa.StringArray:
        """The values of these entries, empty text for -1."""
        if not len(self.places):
            return empty_text(len(entries))
        return take_text(self.values, np.where(entries >= 0, self.places[entries], -1))

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
