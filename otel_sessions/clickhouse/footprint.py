# SPDX-License-Identifier: Apache-2.0
"""Keeps the service small: memory that only its start needs is not taken, or given back."""

from __future__ import annotations

import ctypes
import re
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

_MADV_DONTNEED = 4
_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +\S*/_chdb\.\S+\n", re.ASCII)


class _NoPandas:
    """A finder that finds no pandas."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name, name=name)


def keep_pandas_out() -> None:
    """Imports pyarrow without pandas, which it would load for its first array: 30 MiB and a third of a second.

    pyarrow looks once; whoever imports pandas later has it. For processes of ours, not for an application's.
    """
    if "pandas" in sys.modules or "pyarrow" in sys.modules:
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        import pyarrow  # noqa: PLC0415

        pyarrow.array([0])
    finally:
        sys.meta_path.remove(finder)


def resident() -> int:
    """Bytes of this process that are in memory, its own and those of files; 0 where there is no Linux."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def give_back() -> None:
    """Returns to the system what the start of the embedded engine has touched of its 550 MB program, and free heap.

    What is used again is mapped again, without reading it from disk. Does nothing where there is no Linux.
    """
    try:
        libc = ctypes.CDLL(None)
        maps = Path("/proc/self/smaps").read_text("utf-8", "replace")
    except OSError:
        return
    for start, length in _unwritten(maps):
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), _MADV_DONTNEED)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def _unwritten(smaps: str) -> Iterator[tuple[int, int]]:
    """Start and length of the read-only parts of the engine that are as in its file: nothing relocated is in them."""
    for match in _MAPPING.finditer(smaps):
        below = smaps[match.end() : match.end() + 2000]
        anonymous = re.search(r"^Anonymous: +(\d+) kB$", below, re.MULTILINE)
        if anonymous is not None and anonymous[1] == "0":
            start, end = int(match[1], 16), int(match[2], 16)
            yield start, end - start
