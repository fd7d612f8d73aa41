# SPDX-License-Identifier: Apache-2.0
"""Configuration: Collector-style YAML to one frozen, typed `Config`, or to every fault in it at once.

`check` takes all steps (`load`), finds the faults, and keeps passwords and tokens out of them. `document` reads YAML
and `--set`, and merges; `expand` replaces references to environment variables; `typed` makes `Settings` of maps, and
texts of what is wrong with them; `plugins` looks components up; `model` has the classes that come out.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otel_sessions.config.check import listeners, load
    from otel_sessions.config.document import DEFAULT_CONFIG, dotted
    from otel_sessions.config.model import Config, Pipeline, Service, Telemetry

__all__ = ["DEFAULT_CONFIG", "Config", "Pipeline", "Service", "Telemetry", "dotted", "listeners", "load"]

_HOMES = {
    "DEFAULT_CONFIG": "document",
    "Config": "model",
    "Pipeline": "model",
    "Service": "model",
    "Telemetry": "model",
    "dotted": "document",
    "listeners": "check",
    "load": "check",
}
"""Where each name is; looked up when it is first asked for: a command that only needs `document` waits for no more."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
