"""Configuration: Collector-style YAML to one frozen, typed `Config`, or to every fault in it at once.

The steps are a module each: `document` reads YAML and `--set`, and merges; `expand` puts in the environment; `check`
finds faults, with the types that `typed` gives; `model` is what comes out; `secrets` keeps them from the messages.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from otel_sessions.component import EntryPoints, Registry
from otel_sessions.config.check import Checker
from otel_sessions.config.document import assignment, merge, parse, read
from otel_sessions.config.expand import Expander
from otel_sessions.config.model import DEFAULT_CONFIG, Config, Pipeline, Service, Telemetry
from otel_sessions.config.secrets import Scrubber
from otel_sessions.errors import ConfigError, Fault

__all__ = ["DEFAULT_CONFIG", "Config", "Pipeline", "Service", "Telemetry", "load"]


def load(
    files: Sequence[Path] = (),
    sets: Sequence[str] = (),
    *,
    registry: Registry | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """The configuration of `files`, merged in their order, and of `sets` (`PATH=VALUE`) on top.

    Without files it is `DEFAULT_CONFIG` that `sets` change. `${env:...}` is expanded from `environ`, by default the
    process's; types of components come from `registry`, by default the installed plugins.
    Raises `ConfigError` with every fault there is, and nothing else.
    """
    tree = _merged(files, sets)
    expander = Expander(os.environ if environ is None else environ)
    tree = expander.expand(tree)
    checker = Checker(tree, expander.texts, registry or EntryPoints())
    config = checker.config()
    scrubber = Scrubber(tree)
    faults = [*expander.faults, *checker.faults]
    if faults or config is None:
        raise ConfigError(list(dict.fromkeys(map(scrubber.fault, faults))))
    warnings = tuple(map(scrubber.text, [*expander.warnings, *checker.warnings]))
    return replace(config, warnings=warnings)


def _merged(files: Sequence[Path], sets: Sequence[str]) -> dict[str, Any]:
    steps: list[Callable[[], dict[str, Any]]]
    steps = [partial(read, file) for file in files] or [partial(parse, DEFAULT_CONFIG, "default")]
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
