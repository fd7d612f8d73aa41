# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions validate`."""

from __future__ import annotations

import typer

from otel_sessions.cli import output
from otel_sessions.cli.options import ConfigFiles, Sets, loaded


def validate(config: ConfigFiles = None, set_: Sets = None) -> None:
    """Check a configuration as `serve` does, without starting anything.

    Exit status 0 means that it is valid. Otherwise it is 2, and every fault is on stderr with its path.

    \b
    Examples:
      otel-sessions validate --config config.yaml
      otel-sessions validate --config base.yaml --config production.yaml
    """

    output.warnings(loaded(config, set_, to_serve=True).warnings)
    typer.echo("configuration is valid")
