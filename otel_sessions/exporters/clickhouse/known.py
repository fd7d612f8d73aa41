# SPDX-License-Identifier: Apache-2.0
"""The trace ids that a store has had anything of, in bounded memory: what lets a new trace be told from others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.errors import reading
from otel_sessions.component import Host, Worker
from otel_sessions.errors import OtelSessionsError
from otel_sessions.sessions.attribution.hashes import Hashes, stored_ids

logger = logging.getLogger("otel_sessions.attribution")

_BITS: Final = 2**27
"""16 MiB. Of ten million traces one in 200 that is new passes for known, of twenty million one in 25."""
_PLACES: Final = 4
_SAMPLE: Final = 2**16
_FULL: Final = 0.6
"""Above this share of bits set, what was stored before is not worth reading to its end."""
_MIXING: Final = np.uint64(0xFF51AFD7ED558CCD)


class KnownTraces:
    """A Bloom filter of trace ids: one that was met is never taken for new, a new one may be taken for known.

    Nothing is new until all ids that were stored before the first `meet` have been learned.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bits = np.zeros(_BITS // 8, np.uint8)
        self._complete = False

    def meet(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Which of these were never met or learned; from now on they have been."""
        byte, bit = _places(hashes)
        with self._lock:
            new = (self._bits[byte] & bit == 0).any(axis=1)
            np.bitwise_or.at(self._bits, byte, bit)
            return new if self._complete else np.zeros(len(hashes), np.bool_)

    @property
    def complete(self) -> bool:
        """Whether all ids that were stored before are known."""
        with self._lock:
            return self._complete

    def learn(self, stored: Iterable[Hashes], stops: Callable[[], bool] = lambda: False) -> None:
        """Takes all ids that were stored before this one began; leaves off where they are too many, or when it `stops`.

        Raises what reading them raises. Nothing is new then, as where it left off.
        """
        for hashes in stored:
            if stops():
                return
            byte, bit = _places(hashes[np.flatnonzero(np.diff(hashes, prepend=~hashes[:1]))])  # of a run, the first
            with self._lock:
                np.bitwise_or.at(self._bits, byte, bit)
                if np.unpackbits(self._bits[:_SAMPLE]).mean() > _FULL:
                    return
        with self._lock:
            self._complete = True


class Learner:
    """Has `known` learn what is stored, in a thread of its own: of a large store that takes a while."""

    def __init__(self, component: str, endpoint: Endpoint, known: KnownTraces, host: Host) -> None:
        self._endpoint = endpoint
        self._known = known
        self._stopping = threading.Event()
        self._worker = Worker(component, "learning", self._run, host)
        self._is_begun = False

    def begin(self) -> None:
        """Starts the thread; a second call does nothing."""
        if not self._is_begun:
            self._is_begun = True
            self._worker.start()

    def shutdown(self, timeout: float) -> None:
        self._stopping.set()
        self._worker.join(timeout)

    def _run(self) -> None:
        try:
            with reading():
                client = connect(self._endpoint, database=self._endpoint.database)
                try:
                    self._known.learn(stored_ids(client), self._stopping.is_set)
                finally:
                    client.close()
        except OtelSessionsError as error:
            logger.warning(
                "the traces that are stored could not be read, so new ones are looked at as others: %s", error
            )


def _places(hashes: Hashes) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8]]:
    """The bits of each id, arrays of shape (ids, `_PLACES`): the byte, and the bit of it."""
    mixed = (hashes ^ (hashes >> np.uint64(32))) * _MIXING
    mixed ^= mixed >> np.uint64(29)
    first, step = mixed & np.uint64(0xFFFFFFFF), (mixed >> np.uint64(32)) | np.uint64(1)
    place = (first[:, None] + np.arange(_PLACES, dtype=np.uint64) * step[:, None]) % np.uint64(_BITS)
    return place >> np.uint64(3), np.uint8(1) << (place & np.uint64(7)).astype(np.uint8)
