# SPDX-License-Identifier: Apache-2.0
"""Keeps the service small: what it has in memory, and what its allocators keep of what they were given back."""

from __future__ import annotations

import ctypes
import os
import re
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Final

CEILING: Final = 704 << 20
"""Bytes resident above which free memory is given back even under load; a service is to stay below 1 GiB."""
RECEIVED_BYTES: Final = 64 << 20
"""Of requests that are being read, or read and not answered, over all transports together."""
TIGHT: Final = 832 << 20
"""Bytes resident above which receivers read less at a time, and keep shorter lines."""
CROWD: Final = 128
"""Requests that stay in a line then: what came of each is counted nowhere."""
_ASKED_S: Final = 0.5
"""Who waits for room asks again sooner."""
SCATTERED_BYTES: Final = 8 << 20
"""Of a request whose pieces, as they came, leave so much free heap that it is given back at once."""
_MADV_DONTNEED: Final = 4
_ARENAS: Final = 4
_LARGE: Final = 1 << 20
_FREE_AT_THE_END: Final = 8 << 20
_MALLOC: Final = {-8: _ARENAS, -3: _LARGE, -1: _FREE_AT_THE_END}  # M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD
_EMBEDDED: Final = "chdb._chdb"
_ENGINE: Final = "JE_MALLOC_CONF"
_DECAY: Final = "dirty_decay_ms:1000"
_kept: Final[ContextVar[_Kept | None]] = ContextVar("kept", default=None)
_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +\S*/_chdb\.\S+\n", re.ASCII)


class Room:
    """Room for `nbytes` of requests together, whoever reads them. Any thread may call.

    Where it `is_shared`, who finds none waits a little. One may be larger than the room, or than what is left: that
    which has had room for longest always gets what it asks for, so that there is always one that comes to its end.
    For small ones there is a quarter more, so that they need not wait for large ones, nor these until there are none.
    """

    def __init__(self, nbytes: int = RECEIVED_BYTES, *, is_shared: bool = True) -> None:
        self.nbytes = nbytes
        self.is_shared = is_shared
        self._held: dict[object, int] = {}  # by request, the one that came first at first
        self._sum = 0
        self._awaited: dict[object, float] = {}  # by whom, and when they asked last; who waits for longest at first
        self._turn = threading.Lock()

    @property
    def held(self) -> int:
        """The bytes of all requests."""
        return self._sum

    def reserve(self, request: object, nbytes: int, line: object | None = None) -> bool:
        """Whether a new request has so many bytes from now on, all that it may need. Where it has not, others that take
        theirs piece by piece do not grow large before it has, or gives back.

        It is the first of its `line`, if it stands in one. Who has waited for longest is the next that finds room."""
        waiting = request if line is None else line
        with self._turn:
            is_next = next(iter(self._waiting()), waiting) is waiting
            is_full = self._sum + nbytes > self.nbytes and self._sum > self.nbytes // 4
            if self._held and (not is_next or is_full):
                self._awaited[waiting] = time.monotonic()
                return False
            self._awaited.pop(waiting, None)
            self._set(request, nbytes)
            return True

    def take(self, request: object, nbytes: int) -> bool:
        """Whether the request has so many bytes more from now on."""
        with self._turn:
            before = self._held.get(request, 0)
            is_first = self.is_shared and next(iter(self._held), request) is request
            is_small = self.is_shared and before + nbytes <= self.nbytes // 32
            is_late = before <= self.nbytes // 32 and not is_small and bool(self._waiting())
            most = self.nbytes + (self.nbytes // 4 if is_small else 0)
            if not is_first and (is_late or self._sum + nbytes > most):
                return False
            self._set(request, before + nbytes)
            return True

    def settle(self, request: object, nbytes: int) -> None:
        """The request has just so many bytes, which are there already."""
        with self._turn:
            self._set(request, nbytes)

    def give_back(self, request: object) -> None:
        """Gives back all that the request has, or waits for; a second call does nothing."""
        with self._turn:
            self._sum -= self._held.pop(request, 0)
            self._awaited.pop(request, None)

    def _waiting(self) -> dict[object, float]:
        """Who waits for room, less those that have given up; called with `_turn`."""
        if self._awaited:
            since = time.monotonic() - _ASKED_S
            self._awaited = {waiting: asked for waiting, asked in self._awaited.items() if asked > since}
        return self._awaited

    def _set(self, request: object, nbytes: int) -> None:
        self._sum += nbytes - self._held.get(request, 0)
        self._held[request] = nbytes


def when_sent(give_back: Callable[[], None]) -> None:
    """Calls this when the answer to the request at hand has been sent, or cannot be; at once where there is none."""
    kept = _kept.get()
    if kept is None:
        give_back()
    else:
        kept.add(give_back)


@contextmanager
def one_request() -> Iterator[None]:
    """Around all work at a request."""
    kept = _Kept()
    token = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(token)
        kept.give_back(is_over=True)


def give_back_kept() -> None:
    """Gives back what `when_sent` keeps for the request at hand: its answer is made, and counted as such."""
    kept = _kept.get()
    if kept is not None:
        kept.give_back()


class _Kept:
    """What is given back when a request is over. A thread that still reads for it then keeps nothing any more."""

    def __init__(self) -> None:
        self._all: list[Callable[[], None]] = []
        self._is_over = False
        self._using = threading.Lock()

    def add(self, give_back: Callable[[], None]) -> None:
        with self._using:
            if not self._is_over:
                self._all.append(give_back)
                return
        give_back()

    def give_back(self, *, is_over: bool = False) -> None:
        with self._using:
            self._is_over |= is_over
            some, self._all = self._all, []
        for each in some:
            each()


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


def bound_allocators() -> None:
    """Has the allocators of this process keep little of what is free; for processes of ours, before threads start and
    the embedded engine is loaded.

    glibc's malloc would have eight arenas a core, and keeps tens of megabytes in each: blocks of up to 32 MiB once a
    large one was freed, where they lie between others. Those of `_LARGE` go back to the system as soon as they are
    free. The allocator of the engine, jemalloc, gives back what was free for `_DECAY`, by default for five seconds.
    What the environment says of them goes before. Does nothing where there is no glibc.
    """
    said = os.environ.get(_ENGINE)
    os.environ[_ENGINE] = f"{_DECAY},{said}" if said else _DECAY
    libc = _libc()
    if libc is None or not hasattr(libc, "mallopt"):
        return
    if not any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ):
        for parameter, value in _MALLOC.items():
            libc.mallopt(parameter, value)


def resident() -> int:
    """Bytes of this process that are in memory, its own and those of files; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def most_resident() -> int:
    """The most bytes that this process ever had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def give_back() -> None:
    """Returns to the system what was touched of the 550 MB program of the embedded engine, and free heap.

    What is used again is mapped again, without reading it from disk. Does nothing where there is no Linux.
    """
    libc = _libc()
    if libc is None or not hasattr(libc, "madvise"):
        return
    for start, length in _program(_EMBEDDED in sys.modules):
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), _MADV_DONTNEED)
    _trim(libc)


def give_back_pieces(nbytes: int) -> None:
    """Returns to the system what the pieces of a request of so many bytes have left free, where that is much; takes up
    to 12 ms, once all is in one place."""
    libc = _libc() if nbytes >= SCATTERED_BYTES else None
    if libc is not None:
        _trim(libc)


def _trim(libc: ctypes.CDLL) -> None:
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def _libc() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows
        return None


@cache
def _program(is_loaded: bool) -> Sequence[tuple[int, int]]:
    """Start and length of what can be given back of the engine's program, once `is_loaded`. It does not move."""
    try:  # the kernel takes tens of milliseconds to write it
        return [*_unwritten(Path("/proc/self/smaps").read_text("utf-8", "replace"))] if is_loaded else []
    except OSError:
        return []


def _unwritten(smaps: str) -> Iterator[tuple[int, int]]:
    """Start and length of the read-only parts of the engine that are as in its file: nothing relocated is in them."""
    for match in _MAPPING.finditer(smaps):
        below = smaps[match.end() : match.end() + 2000]
        anonymous = re.search(r"^Anonymous: +(\d+) kB$", below, re.MULTILINE)
        if anonymous is not None and anonymous[1] == "0":
            start, end = int(match[1], 16), int(match[2], 16)
            yield start, end - start
