# SPDX-License-Identifier: Apache-2.0
"""The command line. Importing this imports nothing heavy; each command imports what it needs when it runs."""

from __future__ import annotations

import os
import sys
from typing import Final

INTERRUPTED: Final = 130
"""The exit status of what Ctrl-C has ended, as shells say it."""
_STDERR: Final = 2


def main() -> None:
    """The console script `otel-sessions`."""
    _open_streams()
    try:
        _run()
    except KeyboardInterrupt:  # while the command is loaded, which tells of its own
        sys.exit(INTERRUPTED)


def _open_streams() -> None:
    """Puts nowhere in the place of standard streams that are closed (`>&-`): the next file that is opened, maybe one of
    the data, would have their number, and get what libraries print.
    """
    while (nowhere := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(nowhere)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8")
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(_STDERR, "w", encoding="utf-8")


def _run() -> None:
    try:
        from otel_sessions.cli.app import app  # noqa: PLC0415 - an app that only instruments itself has no click
    except ModuleNotFoundError as error:
        sys.exit(
            f"error: {error.name} is missing: the commands come with the extra 'embedded', a database inside, "
            "or with 'server'; as in pip install '.[embedded]', in a clone of otel-sessions"
        )
    app()
