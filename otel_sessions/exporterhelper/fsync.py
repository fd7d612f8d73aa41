# SPDX-License-Identifier: Apache-2.0
"""Puts the names of files, and all that a file system holds, on its disk, so that they outlast a power cut."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path
from typing import Any


def sync_directory(directory: Path) -> None:
    """Puts the names of the files of a directory on disk."""
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def make_directory(directory: Path) -> None:
    """Makes it and those above it, for their owner only, so that they last; one that is there stays as it is."""
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        sync_directory(each.parent)


def sync_filesystem(path: Path) -> None:
    """Puts all that was written to the file system of `path` on its disk: syncfs(2), or sync(2) where that is not."""
    call = _syncfs()
    if call is None:
        os.sync()
        return
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if call(file) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(file)


def boot() -> str:
    """Eight letters that change when the machine starts anew; always the same where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
    except OSError:
        return "00000000"


@cache
def _syncfs() -> Any:
    """The function of the C library, if it has one."""
    return getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
