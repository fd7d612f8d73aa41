# SPDX-License-Identifier: Apache-2.0
"""What attributes hold, as columns: texts as clients wrap them (JSON-encoded strings, and members of objects), marks
that tell a dialect, and metadata. Each distinct value is parsed once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.config import GenAiConfig
from otel_sessions.genai.json_text import encodable, fits, member, parse_json, parse_object, scalar_text
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import Entries, Indices, Mask, Named
from otel_sessions.pdata.schema import ATTRIBUTES

_EMPTY: Final = r"^(?:[\s\[\]{},]|null|None|\"\s*\"|\"(?:messages|contents|content|parts|input|output)\"\s*:)*$"
_MAX_EMPTY: Final = 50
_REMEMBERED: Final = 10_000
_OBJECT: Final = ""
"""What stands for the name where the value is an object with many."""


def with_outer(keys: Iterable[str]) -> list[str]:
    """The keys, and those of the objects whose members some of them are."""
    return [each for key in keys for each in ((key, key.partition("#")[0]) if "#" in key else (key,))]


def with_members(entries: Entries, composite: pa.ListArray) -> Entries:
    """The entries, and those of the keys `KEY#MEMBER`: text, numbers and booleans within the objects under `KEY`.

    What `composite` lists of a row's keys is left alone: it came as another type than text, or is not what it was.
    """
    wanted = [(key, *key.split("#", 1)) for key in entries.keys.keys if "#" in key]
    wanted = [(key, outer, inner) for key, outer, inner in wanted if entries.has(outer)]
    if not wanted:
        return entries
    listed, found = entries.listed(composite), []
    for outer in dict.fromkeys(outer for _, outer, _ in wanted):
        part = entries.of(outer)
        kept = ~listed[part]
        rows, places = entries.rows[part][kept], entries.places[part][kept]
        distinct = entries.values.take(pa.array(places)).dictionary_encode()
        objects = [parse_object(text) for text in distinct.dictionary.to_pylist()]
        for key, _, inner in (each for each in wanted if each[1] == outer):
            texts = np.array([scalar_text(member(each, inner)) for each in objects], np.object_)[distinct.indices]
            has = texts != ""
            if has.any():
                found.append((key, rows[has], pa.array(texts[has], pa.string())))
    return entries.with_texts(found) if found else entries


def unwrap(texts: pa.StringArray, among: Mask) -> pa.StringArray:
    """The texts with those `among` them that are a JSON string decoded, and those that are a JSON null emptied."""
    if not among.any():
        return texts
    wrapped = pc.or_(pc.and_(pc.starts_with(texts, '"'), pc.ends_with(texts, '"')), pc.equal(texts, "null"))
    return replace_distinct(texts, among & wrapped.to_numpy(zero_copy_only=False), _unwrapped)


def unwrapped(entries: Entries, chosen: Indices, json_encoded: tuple[str, ...]) -> pa.StringArray:
    """The text of the chosen entries, -1 for none, decoded where its key begins like one that may be JSON-encoded."""
    texts = entries.text(chosen)
    encoded = entries.keys.beginning(json_encoded)
    if not any(encoded[entries.keys.codes[key]] for key in entries.parts):
        return texts
    return unwrap(texts, (chosen >= 0) & encoded[entries.codes[chosen]])


def says_something(texts: pa.StringArray) -> Mask:
    """Which texts are not empty, nor JSON of nothing: empty lists, objects, texts and null, in each other too."""
    something: Mask = pc.binary_length(texts).to_numpy() > 0
    short = np.flatnonzero(something & (pc.binary_length(texts).to_numpy() <= _MAX_EMPTY))
    if len(short):
        empty = pc.match_substring_regex(texts.take(pa.array(short)), _EMPTY).to_numpy(zero_copy_only=False)
        something[short[empty]] = False
    return something


def replace_distinct(texts: pa.StringArray, among: Mask, change: Callable[[str], str]) -> pa.StringArray:
    """The texts with `change` applied to those `among` them, once per distinct text."""
    if not among.any():
        return texts
    mask = pa.array(among)
    distinct = texts.filter(mask).dictionary_encode()
    changed = pa.array([change(text) for text in distinct.dictionary.to_pylist()], pa.string())
    return pc.replace_with_mask(texts, mask, changed.take(distinct.indices))


def _unwrapped(text: str) -> str:
    value = parse_json(text)
    if value is None:
        return ""
    return encodable(value) if isinstance(value, str) else text


# Marks, and the libraries that wrote a span


class Scopes:
    """The instrumentation scopes of a batch, each looked at once."""

    def __init__(self, batch: SpanBatch) -> None:
        encoded = batch["ScopeName"].dictionary_encode()
        self._names = encoded.dictionary.to_pylist()
        self._of_rows = encoded.indices.to_numpy()

    def rows(self, patterns: Sequence[str]) -> Mask:
        """The spans of a scope that fits one of the patterns."""
        fitting = np.array([fits(name, patterns) for name in self._names], np.bool_)
        return fitting[self._of_rows] if fitting.any() else np.zeros(len(self._of_rows), np.bool_)


def marked(entries: Entries, marks: Sequence[str]) -> Mask:
    """The rows that have an attribute `KEY`, or `KEY=VALUE`."""
    found = np.zeros(entries.length, np.bool_)
    for mark in marks:
        key, _, value = mark.partition("=")
        part = entries.of(key)
        rows = entries.rows[part]
        if value and len(rows):
            texts = entries.values.take(pa.array(entries.places[part]))
            rows = rows[pc.equal(texts, value).to_numpy(zero_copy_only=False)]
        found[rows] = True
    return found


def mark_keys(marks: Sequence[str]) -> list[str]:
    """The attributes that marks speak of."""
    return [mark.partition("=")[0] for mark in marks]


# Metadata


@dataclass(frozen=True, slots=True)
class MetadataEntries:
    """Pairs of a name and a text, with the row of each and the place in the list of what gave it."""

    rows: Indices
    ranks: Indices
    names: pa.StringArray
    texts: pa.StringArray


class Metadata:
    """The column `Metadata` from attributes `PREFIX.NAME`, and from JSON objects; a name has the value of the first
    of `metadata_keys` that gives it one. Keys and members that are read as something else (`taken`) are left out; those
    that are `named` come first."""

    def __init__(self, config: GenAiConfig, taken: Iterable[str], named: Mapping[str, str]) -> None:
        self._config = config
        self._named = dict(named)
        self._taken = frozenset(taken)
        self._prefixes = [key.removesuffix("*") for key in config.metadata_keys]
        self._place = lru_cache(_REMEMBERED)(self._find)

    def column(self, attributes: Named, more: MetadataEntries | None = None) -> pa.MapArray | None:
        """None if no span has any."""
        found = [self._place(name) for name in attributes.names.to_pylist()]
        ranks = np.array([rank for rank, _ in found], np.int64)
        if not (ranks >= 0).any():
            return None if more is None else self._maps(attributes.length, more)
        places = np.flatnonzero(ranks[attributes.codes] >= 0)
        codes = attributes.codes[places]
        # JSON strings as what they say, null as nothing
        texts = attributes.values.take(pa.array(places))
        wrapped = pc.or_(pc.starts_with(texts, '"'), pc.equal(texts, "null")).to_numpy(zero_copy_only=False)
        texts = replace_distinct(texts, wrapped, _string)
        names = pa.array([name for _, name in found], pa.string()).take(pa.array(codes))
        entries = MetadataEntries(attributes.rows_of(places), ranks[codes], names, texts)
        objects = pc.equal(names, _OBJECT).to_numpy(zero_copy_only=False)
        if objects.any():
            # the same with an entry for each member in the place of each object; every distinct object is opened once
            keys = attributes.names.take(pa.array(codes))
            mask = pa.array(objects)
            keys, texts = (each.filter(mask).dictionary_encode() for each in (keys, entries.texts))
            pairs = keys.indices.to_numpy() * np.int64(len(texts.dictionary)) + texts.indices.to_numpy()
            distinct, which = np.unique(pairs, return_inverse=True)
            names, values = keys.dictionary.to_pylist(), texts.dictionary.to_pylist()
            of_pairs = zip(*(part.tolist() for part in np.divmod(distinct, len(values))), strict=True)
            members = [self._members(names[key], values[text]) for key, text in of_pairs]
            counts = np.array([len(each) for each in members], np.int64)[which]
            columns = ([list(column) for column in zip(*each, strict=True)] or [[], []] for each in members)
            lists = list(zip(*columns, strict=True))
            inner = [pa.array(each, pa.list_(pa.string())).take(pa.array(which)).flatten() for each in lists]
            kept = pa.array(~objects)
            entries = MetadataEntries(
                np.concatenate((entries.rows[~objects], np.repeat(entries.rows[objects], counts))),
                np.concatenate((entries.ranks[~objects], np.repeat(entries.ranks[objects], counts))),
                pa.concat_arrays([entries.names.filter(kept), inner[0]]),
                pa.concat_arrays([entries.texts.filter(kept), inner[1]]),
            )
        if more is not None:
            entries = MetadataEntries(
                np.concatenate((entries.rows, more.rows)),
                np.concatenate((entries.ranks, more.ranks)),
                pa.concat_arrays([entries.names, more.names]),
                pa.concat_arrays([entries.texts, more.texts]),
            )
        return self._maps(attributes.length, entries)

    def _find(self, key: str) -> tuple[int, str]:
        """The place of a key, 0 where it is named, else from 1 in the list, and the name it gives; -1 for what is
        none."""
        if key in self._named:
            return 0, self._named[key]
        if key not in self._taken:
            for rank, prefix in enumerate(self._prefixes, 1):
                if key == prefix and not prefix.endswith("."):
                    return rank, _OBJECT
                if prefix.endswith(".") and key.startswith(prefix) and len(key) > len(prefix):
                    return rank, key[len(prefix) :]
        return -1, ""

    def _members(self, key: str, text: str) -> list[tuple[str, str]]:
        """The members, by name, of an object under a key that are metadata: text as it is, others as JSON."""
        found = []
        for given, value in parse_object(text).items():
            name = encodable(given) if isinstance(given, str) else ""
            if name and f"{key}#{name}" not in self._taken and f"{key}.{name}" not in self._taken:
                is_plain = value is None or isinstance(value, str | bool | int | float)
                shown = scalar_text(value) if is_plain else json.dumps(value, ensure_ascii=False, default=str)
                found.append((name, encodable(shown)))
        return found

    def _maps(self, length: int, entries: MetadataEntries) -> pa.MapArray | None:
        """A map a row, of the first text of each name, in the order of the list, and bounded."""
        rows, ranks, names, texts = entries.rows, entries.ranks, entries.names, entries.texts
        encoded = names.dictionary_encode()
        identity = rows * max(1, len(encoded.dictionary)) + encoded.indices.to_numpy()
        order = np.lexsort((ranks, identity))
        order = order[pc.binary_length(texts.take(pa.array(order))).to_numpy() > 0]
        first = np.ones(len(order), np.bool_)
        first[1:] = identity[order][1:] != identity[order][:-1]
        kept = order[first]
        kept = kept[np.lexsort((kept, ranks[kept], rows[kept]))]
        counts = np.bincount(rows[kept], minlength=length)
        places = np.arange(len(kept)) - np.repeat(np.cumsum(counts) - counts, counts)
        kept = kept[places < self._config.max_metadata_keys]
        if not len(kept):
            return None
        ends = np.concatenate(([0], np.cumsum(np.bincount(rows[kept], minlength=length))))
        cut = pc.utf8_slice_codeunits(texts.take(pa.array(kept)), 0, self._config.max_metadata_chars)
        return pa.MapArray.from_arrays(pa.array(ends, pa.int32()), names.take(pa.array(kept)), cut, type=ATTRIBUTES)


def _string(text: str) -> str:
    if text == "null":
        return ""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return encodable(value) if isinstance(value, str) else text
