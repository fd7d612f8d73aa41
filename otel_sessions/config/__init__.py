# SPDX-License-Identifier: Apache-2.0
"""Configuration: Collector-style YAML to one frozen, typed `Config`, or to every fault in it at once.

The steps are a module each, and `loading` takes them: `document` reads YAML and `--set`, and merges; `expand` puts in
the environment; `check` finds faults, with the types that `typed` gives, of components that `plugins` looks up; `model`
is what comes out; `secrets` keeps them from the messages.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otel_sessions.config.check import listeners
    from otel_sessions.config.default import DEFAULT_CONFIG
    from otel_sessions.config.document import dotted
    from otel_sessions.config.loading import load
    from otel_sessions.config.model import Config, Pipeline, Service, Telemetry

__all__ = ["DEFAULT_CONFIG", "Config", "Pipeline", "Service", "Telemetry", "dotted", "listeners", "load"]

_HOMES = {
    "DEFAULT_CONFIG": "default",
    "Config": "model",
    "Pipeline": "model",
    "Service": "model",
    "Telemetry": "model",
    "dotted": "document",
    "listeners": "check",
    "load": "loading",
}
"""Where each name is; looked up when it is first asked for, as commands that want a `glance` wait for no more."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
