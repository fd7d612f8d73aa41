"""The command line. Importing this imports nothing heavy; each command imports what it needs when it runs."""

from __future__ import annotations

import sys


def main() -> None:
    """The console script `otel-sessions`."""
    try:
        from otel_sessions.cli.app import app  # noqa: PLC0415 - an app that only instruments itself has no typer
    except ModuleNotFoundError as error:
        sys.exit(f"error: {error.name} is missing; install otel-sessions[server], or [embedded] with a database inside")
    app()
