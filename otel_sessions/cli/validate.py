# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions validate`."""

from __future__ import annotations

from pathlib import Path

import click

from otel_sessions.cli import output
from otel_sessions.cli.commands import Command
from otel_sessions.cli.options import configuration, loaded


@click.command("validate", cls=Command)
@configuration
def validate(config: tuple[Path, ...], set_: tuple[str, ...]) -> None:
    """Check a configuration as `serve` does, without starting anything.

    Exit status 0 means that it is valid. Otherwise it is 2, and every fault is on stderr with its path.

    \b
    Examples:
      otel-sessions validate --config config.yaml
      otel-sessions validate --config base.yaml --config production.yaml
    """
    output.warnings(loaded(config, set_, to_serve=True).warnings)
    click.echo("configuration is valid")
