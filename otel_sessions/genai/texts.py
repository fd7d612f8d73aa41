# SPDX-License-Identifier: Apache-2.0
"""Columns of texts as clients wrap them: JSON-encoded strings, and members of objects. Each distinct value is parsed
once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.json_text import encodable, member, parse_json, parse_object, scalar_text
from otel_sessions.pdata.attributes import Entries, Indices, Mask

_EMPTY: Final = r"^(?:[\s\[\]{},]|null|None|\"\s*\"|\"(?:messages|contents|content|parts|input|output)\"\s*:)*$"
_MAX_EMPTY: Final = 50


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
