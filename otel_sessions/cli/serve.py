# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions serve`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from otel_sessions.cli import output
from otel_sessions.cli.commands import Command
from otel_sessions.cli.options import configuration, loaded


@click.command("serve", cls=Command)
@configuration
def serve(config: tuple[Path, ...], set_: tuple[str, ...]) -> None:
    """Run the service until SIGTERM or Ctrl-C, then drain and exit.

    Prints a line for each address it listens on, then `ready`. With a bad configuration nothing starts: every fault is
    printed with its path, and the exit status is 2. SIGHUP reads the configuration anew.

    \b
    Examples:
      otel-sessions serve
      otel-sessions serve --config config.yaml
      otel-sessions serve --config base.yaml --config production.yaml
      otel-sessions serve --set receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0
    """
    settings = loaded(config, set_, to_serve=True)
    output.warnings(settings.warnings)

    from otel_sessions.cli.process import leave, run  # noqa: PLC0415
    from otel_sessions.telemetry import configure_logging  # noqa: PLC0415

    logs = settings.service.telemetry.logs
    configure_logging(logs.level, sys.stderr, logs.encoding)
    raise click.exceptions.Exit(run(settings, sys.stdout, lambda: loaded(config, set_, to_serve=True), leave))
