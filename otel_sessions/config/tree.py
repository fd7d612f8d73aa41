"""A configuration before it has types: maps, lists and scalars, and the paths into them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str | int, ...]


def dotted(path: Path) -> str:
    """`receivers.otlp.protocols`, `service.extensions[0]`; a key that would break a line is quoted."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + shown(step)
    return text


def shown(key: str) -> str:
    """The key itself, or its JSON text when it is empty or has white space or control characters in it."""
    plain = key.isprintable() and key and " " not in key
    return key if plain else json.dumps(key)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both, as the Collector merges: maps merge at every depth, anything else in `over` replaces. Inputs stay as is."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = merge(below, value)  # noqa: PLW2901
        merged[key] = value
    return merged


def get(tree: Any, path: Path) -> Any:
    """What stands at `path`, which must exist."""
    for step in path:
        tree = tree[step]
    return tree


def put(tree: Any, path: Path, value: Any) -> Any:
    """A copy of `tree` with `value` at `path`, which must exist."""
    if not path:
        return value
    copy: Any = dict(tree) if isinstance(tree, Mapping) else list(tree)
    copy[path[0]] = put(tree[path[0]], path[1:], value)
    return copy


def has(tree: Any, step: str | int) -> bool:
    """Whether one step leads anywhere from here."""
    if isinstance(tree, Mapping):
        return step in tree
    return isinstance(tree, list) and isinstance(step, int) and 0 <= step < len(tree)


def walk(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every scalar with its path."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from walk(value, (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from walk(value, (*path, index))
    else:
        yield path, tree
