# SPDX-License-Identifier: Apache-2.0
"""Deletes sessions: one at once, or by the jobs of `queries.deletions`, of each some in turn, so that none waits for a
long one to end; those that were cut short are taken up at the start.
"""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Final

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.connection import Pool
from otel_sessions.clickhouse.errors import reading
from otel_sessions.component import Host, Worker
from otel_sessions.errors import OtelSessionsError, Retryable
from otel_sessions.queries import deletions
from otel_sessions.queries.deletions import Deletion
from otel_sessions.sessions import deletion

_logger = logging.getLogger(__name__)
_AGAIN_S: Final = 5.0
_TIMEOUT_S: Final = 3600


class Deleter:
    """One thread, from `start` to `shutdown`, at which a job goes no further; the next start goes on with it.

    What arrives for a deleted session within `forget_for` stays away; None is for ever.
    """

    def __init__(self, host: Host) -> None:
        self._endpoint: Endpoint | None = host.clickhouse
        self.forget_for = None if host.forget_for_s is None else timedelta(seconds=host.forget_for_s)
        self._clients = Pool(self._connect)
        self._jobs: queue.SimpleQueue[tuple[Deletion, set[str]] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._worker = Worker("web", "deletions", self._run, host)

    def start(self) -> None:
        if self._endpoint is not None:
            self._worker.start()

    def delete(self, project: str, session_id: str) -> None:
        """Deletes one session at once, by the caller's thread. Raises as `deletion.delete`.

        By a client of its own: those who read have too little memory for it, and try again what has failed.
        """
        with self._clients.client() as client:
            deletion.delete(client, [(project, session_id)], forget_for=self.forget_for)

    def take_up(self, job: Deletion) -> None:
        """Does this job, beside those that were taken up before."""
        self._jobs.put((job, set()))

    def shutdown(self, timeout: float) -> None:
        self._stopping.set()
        self._jobs.put(None)
        self._worker.join(timeout)
        self._clients.close()

    def _run(self) -> None:
        # what an earlier process left, as soon as ClickHouse is there and has tables
        while not self._stopping.is_set():
            try:
                with self._clients.client() as client:
                    for job in deletions.unfinished(client):
                        self.take_up(_recounted(client, job))
                break
            except OtelSessionsError as error:
                _logger.debug("jobs of deletion cannot be read yet: %s", error)
                self._stopping.wait(_AGAIN_S)
        while not self._stopping.is_set():
            taken = self._jobs.get()
            if taken is not None:
                job, tried = taken
                job = self._step(job, tried)
                if job.state == "running":
                    self._jobs.put((job, tried))

    def _step(self, job: Deletion, tried: set[str]) -> Deletion:
        """The job after a step; as it was where ClickHouse is away, and `failed` after any other error."""
        try:
            with self._clients.client() as client:
                return deletions.step(client, job, tried, forget_for=self.forget_for)
        except Retryable as error:
            _logger.warning("the deletion %s waits: %s", job.id, error)
            self._stopping.wait(_AGAIN_S)
            return job
        except Exception as error:
            _logger.exception("the deletion %s has failed", job.id)
            try:
                with self._clients.client() as client:
                    deletions.fail(client, job, f"{type(error).__name__}: {error}")
            except OtelSessionsError:
                _logger.exception("the end of the deletion %s cannot be stored", job.id)
            return replace(job, state="failed")

    def _connect(self) -> Client:
        assert self._endpoint is not None
        with reading():
            return connect(self._endpoint, database=self._endpoint.database, timeout_s=_TIMEOUT_S, long_parameters=True)


def _recounted(client: Client, job: Deletion) -> Deletion:
    """As `deletions.recounted`; as it is where that fails, as its next step will say why."""
    try:
        return deletions.recounted(client, job)
    except OtelSessionsError as error:
        _logger.debug("the sessions that the deletion %s has left are not counted: %s", job.id, error)
        return job
