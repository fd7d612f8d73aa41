# SPDX-License-Identifier: Apache-2.0
"""One process owns the embedded data: a lock in its directory, with a word on who holds it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from otel_sessions.errors import Permanent

OWNER = "owner"
"""The user that may write over the holder's SQL endpoint, with the secret of the fact below."""
OWNER_SECRET = "owner_secret"  # noqa: S105 - the name of a fact
_NAME = "otel-sessions.lock"


class DataInUse(Permanent):
    """Another process has the data directory."""


class DataLock:
    """A lock that is held from its creation until `release`, or until the process ends, however it ends.

    Raises `DataInUse` naming the directory and the process that has it.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._file = os.open(directory / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # Tries for a moment: `holder` of another process takes the lock for as long as a look.
        for wait in (0.05, 0.1, 0.2, 0.0):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                time.sleep(wait)
            else:
                break
        else:
            os.close(self._file)
            owner = holder(directory).get("pid", "?")
            raise DataInUse(f"{directory} is in use by process {owner}; stop it, or use another directory")
        self.describe({})

    def describe(self, facts: Mapping[str, str]) -> None:
        """Writes down what others may read of the holder: `pid`, and these facts, as in the addresses it listens on."""
        text = json.dumps({"pid": str(os.getpid()), **facts}).encode()
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text, 0)

    def release(self) -> None:
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1


def holder(directory: Path) -> dict[str, str]:
    """The facts of the process that holds the directory; empty if there is none."""
    try:
        with (directory / _NAME).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                facts = json.loads(file.read() or b"{}")
                return {str(key): str(value) for key, value in facts.items()}
    except (OSError, ValueError):
        return {}
    return {}
