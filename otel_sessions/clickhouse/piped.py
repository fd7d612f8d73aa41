# SPDX-License-Identifier: Apache-2.0
"""Answers of the embedded engine by way of a pipe, for statements that others write.

An answer that is asked for as bytes is made in this process, whole, before anybody has looked at its size: what counts
in `max_result_bytes` is less, as a constant counts once however many rows have it, and a form may take many times what
the values do. Out of a pipe it is taken piece by piece, and no more than may be.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

_PIECE: Final = 1 << 18
_RESULT_LIMIT: Final = 396
_THREADS: Final = ThreadPoolExecutor(64, thread_name_prefix="answers")
"""One for each statement at work, of which the places of `places` leave fewer."""


def piped(ask: Callable[[str], object], most: int, stop: Callable[[str], None]) -> bytes:
    """What the statement that `ask` runs writes into the file whose path it is given.

    Past `most` bytes `stop` is called with the path, on another thread, and has to end the statement. Raises the
    engine's own error for a result over its bound then, and what `ask` raises.
    """
    end, into = os.pipe()
    path = f"/dev/fd/{into}"
    taken = _Taken(end, most, lambda: stop(path))
    taking = _THREADS.submit(taken.take)
    try:
        try:
            ask(path)
        finally:
            taken.leave()
    except Exception as error:
        if taken.is_over:
            raise _over_error(most) from error
        raise
    finally:
        os.close(into)
    # not where it failed: the thread ends when the engine closes its end, with the client at the latest
    pieces = taking.result()
    if taken.is_over:
        raise _over_error(most)
    return b"".join(pieces)


class _Taken:
    """What came out of a pipe."""

    def __init__(self, end: int, most: int, stop: Callable[[], None]) -> None:
        self._end = end
        self._most = most
        self._stop = stop
        self.is_over = False
        self._is_written = False
        self._stopping = threading.Lock()

    def leave(self) -> None:
        """Says that the statement has ended: none is stopped any more, as the next pipe may have the same path."""
        with self._stopping:
            self._is_written = True

    def take(self) -> list[bytes]:
        """The pieces, none of those that are too many together."""
        pieces, nbytes = list[bytes](), 0
        try:
            while piece := os.read(self._end, _PIECE):
                nbytes += len(piece)
                if nbytes > self._most:
                    self.is_over = True
                    pieces.clear()
                    with self._stopping:
                        if not self._is_written:
                            self._stop()
                    break
                pieces.append(piece)
            return pieces
        finally:
            os.close(self._end)


def _over_error(most: int) -> Exception:
    from clickhouse_connect.driver.exceptions import DatabaseError  # noqa: PLC0415 - as in `errors`

    text = f"Limit for result exceeded, max bytes: {most / (1 << 20):.2f} MiB"
    return DatabaseError(f"Code: {_RESULT_LIMIT}. DB::Exception: {text}. (TOO_MANY_ROWS_OR_BYTES)", code=_RESULT_LIMIT)
