# SPDX-License-Identifier: Apache-2.0
"""Where the types of components are looked up: the entry points of what is installed, ours among them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import EntryPoints as Entries
from importlib.metadata import entry_points
from typing import Any, Protocol

from otel_sessions.component import GROUPS, Factory, Kind
from otel_sessions.errors import ConfigError, Fault, hint


class Registry(Protocol):
    """Where the types of components are looked up."""

    def types(self, kind: Kind) -> Sequence[str]:
        """The names there are, in alphabetical order, without importing what they stand for."""
        ...

    def factory(self, kind: Kind, type_: str, path: str) -> Factory[Any]:
        """The factory of a type. `ConfigError` naming `path` when there is none, or when its plugin does not load."""
        ...


class EntryPoints:
    """The registry of the installed distributions; only what is asked for is imported."""

    def types(self, kind: Kind) -> Sequence[str]:
        return _names(GROUPS[kind])

    def factory(self, kind: Kind, type_: str, path: str) -> Factory[Any]:
        return load(GROUPS[kind], kind[:-1], type_, path)


def load(group: str, kind: str, type_: str, path: str) -> Factory[Any]:
    """The factory of a type, a `kind` in a sentence, by the entry points of a group. `ConfigError` naming `path` when
    there is none, or when its plugin does not load."""
    if not _declared(group).select(name=type_):
        _declared.cache_clear()  # it may have been installed since, as before a SIGHUP
    entries = {entry.value: entry for entry in _declared(group).select(name=type_)}
    if not entries:
        known = _names(group)
        raise ConfigError([Fault(path, f"unknown {kind} type {type_!r}{hint(type_, known)}")])
    if len(entries) > 1:
        raise ConfigError([Fault(path, f"several plugins are called {type_!r}: {', '.join(sorted(entries))}")])
    entry = next(iter(entries.values()))
    plugin = f"the plugin {entry.name!r} ({entry.value}) cannot be used"
    try:
        loaded = entry.load()
    except ModuleNotFoundError as error:
        whose = entry.dist.name if entry.dist else "the plugin"
        missing = f"the module {error.name} is missing; install {whose} again, with the extra that brings it"
        own = ", as in pip install '.[embedded]' in its clone" if whose == "otel-sessions" else ""
        raise ConfigError([Fault(path, f"{plugin}: {missing}{own}")]) from error
    except Exception as error:
        raise ConfigError([Fault(path, f"{plugin}: {type(error).__name__}: {error}")]) from error
    if not isinstance(loaded, Factory) or loaded.name != entry.name:
        raise ConfigError([Fault(path, f"{plugin}: it is not a Factory of this name")])
    return loaded


def _names(group: str) -> list[str]:
    return sorted({entry.name for entry in _declared(group)})


@cache
def _declared(group: str) -> Entries:
    """What all distributions declare: to read it takes some milliseconds, and a configuration asks for ten types."""
    return entry_points(group=group)
