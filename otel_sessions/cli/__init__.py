# SPDX-License-Identifier: Apache-2.0
"""The command line. Importing this imports nothing heavy; each command imports what it needs when it runs."""

from __future__ import annotations

import sys


def main() -> None:
    """The console script `otel-sessions`."""
    try:
        from otel_sessions.cli.app import app  # noqa: PLC0415 - an app that only instruments itself has no click
    except ModuleNotFoundError as error:
        sys.exit(
            f"error: {error.name} is missing: the commands come with the extra 'embedded', a database inside, "
            "or with 'server'; as in pip install '.[embedded]', in a clone of otel-sessions"
        )
    app()
