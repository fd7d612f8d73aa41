# SPDX-License-Identifier: Apache-2.0
"""How an exporter's spans wait and are tried again: the keys that exporters share, by the names of the Collector.

`sending_queue` and `retry_on_failure` are settings of the exporter; what they mean is the pipeline's to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import quote

from pydantic import Field

from otel_sessions.component import Settings, Used
from otel_sessions.errors import Fault
from otel_sessions.types import EMPTY_MEANS_DEFAULTS, ByteSize, Duration, directory_problem

EXPORT_SPANS: Final = 65_536
"""Spans that are stored together, if so many wait: large inserts decide the cost of a span."""
LOG_BYTES: Final = 10 * 2**30
MEMORY_BYTES: Final = 256 * 2**20
LOG_DIRECTORY: Final = "./otel-sessions-wal"


class QueueBatch(Settings):
    """Spans of the log are stored together: those of `flush_timeout`, and no more than `max_size` spans.

    Where spans keep coming it is up to three and a half times as long, so that storing has time to rest.
    """

    flush_timeout: Duration = Field(default=0.2, ge=0, le=10)
    max_size: int = Field(default=EXPORT_SPANS, ge=1, le=2**20)


class SendingQueue(Settings):
    """What waits to be stored.

    With `wal` a request is answered when it is in the write-ahead log, on disk; with `memory`, when its spans are
    stored. A queue is full when it holds `max_bytes` (10 GiB in a log, 256 MiB in memory), or, with `max_age`, when its
    oldest spans have waited that long; then senders are told to come back.
    """

    storage: Literal["wal", "memory"] = "wal"
    directory: str | None = None
    max_bytes: ByteSize | None = Field(default=None, gt=0)
    max_age: Duration | None = Field(default=None, gt=0)
    batch: Annotated[QueueBatch, EMPTY_MEANS_DEFAULTS] = QueueBatch()

    @property
    def capacity(self) -> int:
        """`max_bytes`, or the default of the storage."""
        return self.max_bytes or (LOG_BYTES if self.storage == "wal" else MEMORY_BYTES)


class Retry(Settings):
    """How long to wait between attempts to store what may work later.

    A log tries for ever. From memory, a sender is told to come back after `max_elapsed_time`: SDK exporters wait 10 s
    for an answer.
    """

    initial_interval: Duration = Field(default=0.1, gt=0)
    max_interval: Duration = Field(default=2.0, gt=0)
    max_elapsed_time: Duration = Field(default=8.0, gt=0)


class SendingSettings(Settings):
    """Base of the configuration of an exporter."""

    sending_queue: Annotated[SendingQueue, EMPTY_MEANS_DEFAULTS] = SendingQueue()
    retry_on_failure: Annotated[Retry, EMPTY_MEANS_DEFAULTS] = Retry()

    def find_faults(self, used: Used) -> Iterator[Fault]:
        problem = directory_problem(self.log_directory()) if self.sending_queue.storage == "wal" else None
        if problem:
            yield Fault("sending_queue.directory", problem)

    def log_directory(self) -> Path:
        """Where the write-ahead logs of this exporter are."""
        return Path(self.sending_queue.directory or LOG_DIRECTORY).resolve()

    def log_of(self, exporter: str, pipeline: str) -> Path:
        """The directory of the log of this exporter, whose id is `exporter`, in a pipeline."""
        return self.log_directory() / quote(exporter, safe="") / quote(pipeline, safe="")
