# SPDX-License-Identifier: Apache-2.0
"""The exporter: one Arrow insert for all the batches that wait."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Sequence
from socket import gethostname

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse import inserts, rows, schema
from otel_sessions.clickhouse.client import connect
from otel_sessions.clickhouse.errors import writing
from otel_sessions.component import ComponentId, Host, Worker
from otel_sessions.errors import Permanent, Retryable
from otel_sessions.exporterhelper.fsync import sync_filesystem
from otel_sessions.exporters.clickhouse.attributor import Attributor
from otel_sessions.exporters.clickhouse.config import ClickHouseConfig
from otel_sessions.exporters.clickhouse.forgotten import Forgotten
from otel_sessions.exporters.clickhouse.merges import Merges
from otel_sessions.exporters.clickhouse.upkeep import Strays, retention_rounds, stored_bytes_rounds
from otel_sessions.pdata import SpanBatch
from otel_sessions.sessions import attribution, life, migrations

logger = logging.getLogger("otel_sessions.exporter.clickhouse")


class ClickHouseExporter:
    """Called by one thread at a time; `start` and `shutdown` may come from another.

    A ClickHouse server that is away does not stop `start`: it is sought again with every export, and between them, so
    that `health_check` tells of its return before anybody sends. Tables that are not this version's do stop it, with
    `SchemaError`, as does embedded data that another process has.
    """

    awaits_claims = True

    def __init__(self, component_id: ComponentId, config: ClickHouseConfig, host: Host) -> None:
        self._id = str(component_id)
        self._config = config
        self._host = host
        self._endpoint = config.connection()
        self._compress = None if config.compress == "none" else config.compress
        self._tokens = inserts.Tokens(self._endpoint)
        self.needs_sync = self._endpoint.embedded
        self._client: Client | None = None
        self._has_failed = False
        self._is_checked = False
        self._connecting = threading.Lock()
        self._failed = threading.Event()
        self._stopping = threading.Event()
        self._seeker = Worker(self._id, "seek", self._seek, host)
        self._forgotten = Forgotten(host.metrics.forgotten_spans.labels(self._id).inc)
        self._merges = Merges() if self._endpoint.embedded and self._endpoint.cluster is None else None
        self._retention = retention_rounds(self._id, self._endpoint, config.retention, host)
        self._strays = Strays(self._id, self._endpoint, host)
        self._stored_bytes = stored_bytes_rounds(self._id, self._endpoint, host)
        self._receiver = _receiver(config)
        self._attributor = Attributor(self._id, self._endpoint, config.attribution, host, receiver=self._receiver)

    def start(self) -> None:
        try:
            self._connected()
        except Retryable as error:
            if self._endpoint.embedded:
                raise
            logger.warning("%s; starting without it", error)
            self._give_up_client(error)
        self._seeker.start()

    def export(self, batches: Sequence[SpanBatch], token: str) -> None:
        """Returns when all spans are in ClickHouse; one attempt.

        Raises `Retryable` when ClickHouse could not be reached, `SchemaError` when its tables are not there,
        `Permanent` when it will never take these rows. A repeated attempt adds what the one before had not come to;
        where that cannot be told it stores the spans again, which changes no session.
        """
        try:
            self._forgotten.look(self._connected())
            batches = self._forgotten.without(self._connected(), batches)
            expected = self._attributor.expect(batches) if batches else None
            if batches:
                client = self._connected()
                if self._merges is not None:
                    self._merges.bound(client, batches)
                block = rows.arrow_stream(batches, self._compress)
                known_by = self._tokens.token(token, block)
                try:
                    with writing(f"inserting into {self._endpoint}"):
                        rows.insert(client, rows.TABLE, block, inserts.settings(client, known_by))
                        rows.insert_evaluations(client, batches, inserts.settings(client))
                finally:
                    self._strays.note_stored(self._forgotten.known_ns)
        except (Permanent, Retryable) as error:
            self._tokens.note_failure(error)
            self._give_up_client(error)
            self._attributor.look_back()
            self._has_failed = True
            raise
        if self._has_failed:
            self._attributor.look_back()
            self._has_failed = False
        self._host.report(self._id, None)
        if expected is not None:
            self._attributor.note_stored(expected)

    def sync(self) -> None:
        """Returns when all that was stored in the embedded data outlasts a power cut. Raises OSError."""
        if self._endpoint.path is not None:
            sync_filesystem(self._endpoint.path)

    def look_back(self) -> None:
        """Looks at all that was stored of late, as after an insert that has failed."""
        self._attributor.look_back()

    def shutdown(self, timeout: float) -> None:
        end = time.monotonic() + timeout
        self._stopping.set()
        self._failed.set()
        self._retention.shutdown(0.0)
        self._strays.rounds.shutdown(0.0)
        self._attributor.shutdown(timeout)
        self._seeker.join(max(0.0, end - time.monotonic()))
        self._stored_bytes.shutdown(max(0.0, end - time.monotonic()))
        if self._client is not None:
            self._client.close()
            self._client = None

    def _seek(self) -> None:
        """After a failure, connects anew without waiting for an export."""
        while self._failed.wait() and not self._stopping.wait(self._config.retry_on_failure.max_interval):
            self._failed.clear()
            try:
                self._connected()
            except Exception as error:  # noqa: BLE001 - whatever it was, ClickHouse is sought again
                self._failed.set()
                self._host.report(self._id, str(error))
            else:
                self._host.report(self._id, None)

    def _connected(self) -> Client:
        """The client, after the schema was made or checked."""
        with self._connecting:
            if self._client is None:
                self._client = self._connect()
                self._attributor.start()
                self._retention.start()
                self._strays.rounds.start()
                self._stored_bytes.start()
            return self._client

    def _connect(self) -> Client:
        with writing(f"connecting to {self._endpoint}"):
            client = connect(self._endpoint, timeout_s=math.ceil(self._config.timeout))
            try:
                if self._is_checked:
                    client.database = self._endpoint.database
                else:
                    if self._config.create_schema:
                        for migration in migrations.apply(client, self._endpoint.database, self._endpoint.cluster):
                            logger.info("applied migration %s to %s", migration.name, self._endpoint)
                    else:
                        client.database = self._endpoint.database
                    schema.check(client)
                    life.set_limits(
                        client,
                        idle_after=self._config.idle_after,
                        idle_after_of=self._config.idle_after_of,
                        split_after=self._config.split_after,
                        split_after_of=self._config.split_after_of,
                    )
                    self._tokens.note_connection(client)
                    attribution.begin(client, self._receiver)
                    self._is_checked = True
            except BaseException:
                client.close()
                raise
        return client

    def _give_up_client(self, error: Exception) -> None:
        """Lets the next attempt take a new client: a server may have moved, and see `connect` of the embedded engine.

        What refuses rows is the ClickHouse that was there before, with the tables that it had.
        """
        refuses = type(error) is Permanent
        self._is_checked = self._is_checked and refuses
        self._host.report(self._id, str(error))
        self._failed.set()
        if refuses and not self._endpoint.embedded:
            return
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _receiver(config: ClickHouseConfig) -> str:
    """Who this is among those that store in one ClickHouse: the owner of its log, of its data, or just a process."""
    if config.sending_queue.storage == "wal":
        return f"{gethostname()}:{config.log_directory()}"
    return "embedded" if config.connection().embedded else f"{gethostname()}/{os.getpid()}"
