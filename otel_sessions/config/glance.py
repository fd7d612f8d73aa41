# SPDX-License-Identifier: Apache-2.0
"""What those want of a configuration who ask a running service, which has checked it: they wait for no check."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from otel_sessions.config.default import DEFAULT_CONFIG
from otel_sessions.config.document import given_by, merge, parse
from otel_sessions.config.expand import Expander
from otel_sessions.errors import ConfigError


def glance(files: Sequence[Path], sets: Sequence[str]) -> str | None:
    """The `endpoint` of the one clickhouse exporter in use, nothing else looked at; None where it is not plain."""
    try:
        expander = Expander(os.environ)
        tree = expander.expand(merge({} if files else parse(DEFAULT_CONFIG, "default"), given_by(files, sets)))
        used = {name for pipeline in tree["service"]["pipelines"].values() for name in pipeline["exporters"]}
        found = [tree["exporters"][name]["endpoint"] for name in used if name.partition("/")[0] == "clickhouse"]
    except (ConfigError, LookupError, TypeError, AttributeError):
        return None
    return found[0] if len(found) == 1 and isinstance(found[0], str) and not expander.faults else None
