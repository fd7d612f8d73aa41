# SPDX-License-Identifier: Apache-2.0
"""The whole way of a configuration: read, merged, expanded, checked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from otel_sessions.config.check import Checker, service_faults
from otel_sessions.config.default import DEFAULT_CONFIG
from otel_sessions.config.document import given_by, merge, parse
from otel_sessions.config.expand import Expander
from otel_sessions.config.model import Config
from otel_sessions.config.plugins import EntryPoints, Registry
from otel_sessions.config.secrets import Scrubber
from otel_sessions.errors import ConfigError

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
    given = given_by(files, sets)
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
