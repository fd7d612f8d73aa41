# SPDX-License-Identifier: Apache-2.0
"""Configuration: Collector-style YAML to one frozen, typed `Config`, or to every fault in it at once.

The steps are a module each: `document` reads YAML and `--set`, and merges; `expand` puts in the environment; `check`
finds faults, with the types that `typed` gives, of components that `plugins` looks up; `model` is what comes out;
`secrets` keeps them from the messages.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from otel_sessions.config.check import Checker, listeners, service_faults
from otel_sessions.config.document import assignment, dotted, merge, parse, read
from otel_sessions.config.expand import Expander
from otel_sessions.config.model import DEFAULT_CONFIG, Config, Pipeline, Service, Telemetry
from otel_sessions.config.plugins import EntryPoints, Registry
from otel_sessions.config.secrets import Scrubber
from otel_sessions.errors import ConfigError, Fault

__all__ = ["DEFAULT_CONFIG", "Config", "Pipeline", "Service", "Telemetry", "dotted", "glance", "listeners", "load"]

_SQL_PORT = "clickhouse_http"


def load(
    files: Sequence[Path] = (),
    sets: Sequence[str] = (),
    *,
    registry: Registry | None = None,
    environ: Mapping[str, str] | None = None,
    to_serve: bool = False,
) -> Config:
    """The configuration of `files`, merged in their order, and of `sets` (`PATH=VALUE`) on top.

    Without files it is `DEFAULT_CONFIG` that `sets` change; `clickhouse_http` of it is for the embedded engine, and is
    left out where the endpoint is a server's and no set names it. `${env:...}` is expanded from `environ`, by default
    the process's; types of components come from `registry`, by default the installed plugins. With `to_serve` all is
    found that a service would refuse before it touches a database or a port.
    Raises `ConfigError` with every fault there is, and nothing else.
    """
    given = _merged(files, sets)
    expander = Expander(os.environ if environ is None else environ)
    default = {} if files else parse(DEFAULT_CONFIG, "default")
    tree = expander.expand(merge(default, given))
    if not files and _is_remote(tree) and not _names_sql_port(given):
        del tree["extensions"][_SQL_PORT]
        tree["service"]["extensions"].remove(_SQL_PORT)
    checker = Checker(tree, expander.texts, registry or EntryPoints())
    config = checker.config()
    scrubber = Scrubber(tree)
    faults = [*expander.faults, *map(expander.explain, checker.faults)]
    if config is not None and to_serve and not expander.faults and config.is_whole():
        faults += map(expander.explain, service_faults(config))
    if faults or config is None:
        raise ConfigError(list(dict.fromkeys(map(scrubber.fault, faults))))
    warnings = tuple(map(scrubber.text, [*expander.warnings, *checker.warnings]))
    return replace(config, warnings=warnings)


def glance(files: Sequence[Path], sets: Sequence[str]) -> str | None:
    """The `endpoint` of the one clickhouse exporter in use, nothing else looked at; None where it is not plain.

    For those who ask a running service, which has checked its configuration, and wait for no check.
    """
    try:
        expander = Expander(os.environ)
        tree = expander.expand(merge({} if files else parse(DEFAULT_CONFIG, "default"), _merged(files, sets)))
        used = {name for pipeline in tree["service"]["pipelines"].values() for name in pipeline["exporters"]}
        found = [tree["exporters"][name]["endpoint"] for name in used if name.partition("/")[0] == "clickhouse"]
    except (ConfigError, LookupError, TypeError, AttributeError):
        return None
    return found[0] if len(found) == 1 and isinstance(found[0], str) and not expander.faults else None


def _is_remote(tree: Mapping[str, Any]) -> bool:
    """Whether the default exporter's endpoint is that of a server."""
    try:
        return str(tree["exporters"]["clickhouse"]["endpoint"]).startswith(("http://", "https://"))
    except (KeyError, TypeError):
        return False


def _names_sql_port(given: Mapping[str, Any]) -> bool:
    """Whether the user has said something of `clickhouse_http`, or of which extensions run."""
    extensions, service = given.get("extensions", {}), given.get("service", {})
    told = not isinstance(extensions, Mapping) or _SQL_PORT in extensions
    return told or not isinstance(service, Mapping) or "extensions" in service


def _merged(files: Sequence[Path], sets: Sequence[str]) -> dict[str, Any]:
    """What the user gives."""
    steps: list[Callable[[], dict[str, Any]]] = [partial(read, file) for file in files]
    steps += [partial(assignment, text, number) for number, text in enumerate(sets, 1)]
    tree: dict[str, Any] = {}
    faults: list[Fault] = []
    for step in steps:
        try:
            tree = merge(tree, step())
        except ConfigError as error:
            faults += error.faults
    if faults:
        raise ConfigError(faults)
    return tree
