# SPDX-License-Identifier: Apache-2.0
"""Ids that are members of JSON objects, as OpenInference's `metadata` has them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.json_text import encodable, member, parse_object, scalar_text
from otel_sessions.pdata.attributes import Indices, Mask, Named, empty_text
from otel_sessions.processors.redaction.values import ValueRules

Place: TypeAlias = tuple[Any, Any]
"""An object and the name of a member of it, or a list and a number."""
_MAX_DEPTH: Final = 50
_NOWHERE: Final = np.empty(0, np.int64)


class Kept(NamedTuple):
    """What is left of a text, and which of its members are no ids any more."""

    text: str
    lost: tuple[str, ...] = ()


class Redacted(NamedTuple):
    """All values of a column once those that may hold ids are redacted."""

    values: pa.StringArray
    where: Mask
    """Which those are."""
    rows: Indices
    keys: pa.StringArray
    """The rows and the keys, as in `KEY#MEMBER`, of what is no id any more."""


class IdMembers:
    """Redacts the objects under `KEY` where `KEY#MEMBER` is one of the `id_keys`.

    What the object says is searched, however JSON spells it, and then its text as a whole. An id in which something was
    found is hashed whole, or is none any more; the others stay. Where masks leave no object, only hashes stay.
    """

    def __init__(self, id_keys: Sequence[str], values: ValueRules) -> None:
        self._values = values
        self._of: dict[str, tuple[str, ...]] = {}
        for key in id_keys:
            outer, mark, inner = key.partition("#")
            if mark:
                self._of[outer] = (*self._of.get(outer, ()), inner)

    def redact(self, named: Named, values: pa.StringArray, among: Mask) -> Redacted:
        """The values of attributes, those `among` them redacted that stand under such a key; once a distinct value."""
        where, rows, keys = np.zeros(len(values), np.bool_), [_NOWHERE], [empty_text(0)]
        for code, outer in enumerate(named.names.to_pylist()):
            if outer not in self._of or not (here := among & (named.codes == code)).any():
                continue
            distinct = values.filter(pa.array(here)).dictionary_encode()
            texts = distinct.dictionary.to_pylist()
            objects = [parse_object(text) for text in texts]
            ids = [_ids(each, self._of[outer]) for each in objects]
            before = list(map(_text, objects, texts))
            # what is secret is masked in what the objects say, then in the texts that they make
            leaves = [place for each in objects for place in _leaves(each)]
            found, changed = self._values.search(
                pa.array([scalar_text(inner[name]) for inner, name in leaves], pa.string())
            )
            for place in np.flatnonzero(changed).tolist():
                within, name = leaves[place]
                within[name] = found[place].as_py()
            found, _ = self._values.search(pa.array(list(map(_text, objects, texts)), pa.string()))
            kept = [
                Kept(text) if old == new else self._kept(new, own)
                for text, old, new, own in zip(texts, before, found.to_pylist(), ids, strict=True)
            ]
            shown = pa.array([each.text for each in kept], pa.string())
            values = pc.replace_with_mask(values, pa.array(here), shown.take(distinct.indices))
            lost = pa.array([[f"{outer}#{name}" for name in each.lost] for each in kept], pa.list_(pa.string()))
            lost = lost.take(distinct.indices)
            rows.append(named.rows_of(np.flatnonzero(here)[pc.list_parent_indices(lost).to_numpy()]))
            keys.append(lost.flatten())
            where = where | here
        return Redacted(values, where, np.concatenate(rows), pa.concat_arrays(keys))

    def _kept(self, after: str, ids: dict[str, str]) -> Kept:
        value = parse_object(after)
        now = _ids(value, tuple(ids))
        secret = {inner: text for inner, text in ids.items() if now.get(inner) != text}
        if not (secret and self._values.hashes):
            return Kept(after, tuple(secret))
        hashed = self._values.hide(pa.array(list(secret.values())), np.ones(len(secret), np.bool_))
        for inner, text in zip(secret, hashed.to_pylist(), strict=True):
            _put(value, inner, text)
        return Kept(_text(value))


def _ids(value: dict[str, Any], members: Sequence[str]) -> dict[str, str]:
    """The ids under these members, of those that hold one."""
    return {inner: text for inner in members if (text := scalar_text(member(value, inner)))}


def _text(value: dict[str, Any], otherwise: str = "{}") -> str:
    return encodable(json.dumps(value, ensure_ascii=False)) if value else otherwise


def _leaves(value: Any, depth: int = 0) -> Iterator[Place]:
    """Where text, numbers and booleans stand in a value of JSON."""
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, str | int | float):
            yield value, name
        elif isinstance(inner, dict | list) and depth < _MAX_DEPTH:
            yield from _leaves(inner, depth + 1)


def _put(value: dict[str, Any], path: str, text: str) -> None:
    """Puts a text where `member` will find it."""
    outer, _, inner = path.partition(".")
    if inner and path not in value and isinstance(value.setdefault(outer, {}), dict):
        _put(value[outer], inner, text)
    else:
        value[path] = text
