# SPDX-License-Identifier: Apache-2.0
"""How commands get at ClickHouse: a server, the service that owns the embedded data, or the data themselves."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from otel_sessions.errors import ConfigError, Fault, Permanent, QueryError

if TYPE_CHECKING:
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

    from otel_sessions.clickhouse.client import Endpoint
    from otel_sessions.config import Config

LONG_S = 6 * 3600
"""How long a server may take for a statement of `writer`."""
PATIENCE_S = 5.0
"""How long to wait for an owner of the data that serves no SQL yet."""
_NO_SCHEMA = frozenset({60, 81})  # UNKNOWN_TABLE, UNKNOWN_DATABASE
_LOOPBACK = "127.0.0.1,localhost,::1"
_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to reach who listens everywhere


class NoData(Permanent):
    """Nothing has been stored where the configuration points."""


def endpoint_of(config: Config) -> Endpoint:
    """The endpoint of the first clickhouse exporter in use; `ConfigError` if there is none."""
    from otel_sessions.clickhouse.client import endpoint_in_use  # noqa: PLC0415

    endpoint = endpoint_in_use({id_: config.exporters[id_] for id_ in config.used("exporters")})
    if endpoint is not None:
        return endpoint
    raise ConfigError([Fault("exporters", "no clickhouse exporter is in use, so there are no sessions to read")])


def owner_of(endpoint: Endpoint) -> dict[str, str]:
    """The facts that the running service which owns the embedded data tells; empty without one, and for a server."""
    from otel_sessions.lock import holder  # noqa: PLC0415

    return holder(endpoint.path) if endpoint.path is not None else {}


def served_at(endpoint: Endpoint) -> Endpoint | None:
    """The HTTP endpoint where the SQL of `endpoint` is served; None for embedded data that no service owns.

    Raises `Permanent` when a service owns the data and serves no SQL.
    """
    from otel_sessions.clickhouse.client import DEFAULT_DATABASE, Endpoint  # noqa: PLC0415

    if not endpoint.embedded:
        return endpoint
    end = time.monotonic() + PATIENCE_S  # for a service that starts, or a command that ends
    while (owner := owner_of(endpoint)) and "clickhouse_http" not in owner and time.monotonic() <= end:
        time.sleep(0.1)
    if not owner:
        return None
    if "clickhouse_http" not in owner:
        raise Permanent(
            f"{endpoint.path} is in use by process {owner.get('pid', '?')}, which serves no SQL; "
            "a service does with the extension clickhouse_http"
        )
    bypass_proxies()
    host, _, port = owner["clickhouse_http"].rpartition(":")
    host = host.strip("[]")
    return Endpoint("http", owner.get("database", DEFAULT_DATABASE), host=_ANY_HOST.get(host, host), port=int(port))


@contextmanager
def embedded(endpoint: Endpoint) -> Iterator[Client]:
    """The embedded data, owned by this process meanwhile. Raises `NoData` where there are none, `DataInUse`."""
    from otel_sessions.clickhouse.client import connect  # noqa: PLC0415
    from otel_sessions.clickhouse.errors import reading  # noqa: PLC0415
    from otel_sessions.lock import DataLock  # noqa: PLC0415

    assert endpoint.path is not None
    if not endpoint.path.is_dir():
        raise NoData(
            f"there is no data in {endpoint.path}; `otel-sessions serve` makes it. Those of a service that runs "
            "elsewhere are found with its configuration (--config), or from the directory that it was started in"
        )
    lock = DataLock(endpoint.path)
    try:
        with _explained(endpoint):
            with reading():
                client = connect(endpoint, database=endpoint.database)
            try:
                yield client
            finally:
                client.close()
    finally:
        lock.release()


@contextmanager
def reader(config: Config) -> Iterator[Client]:
    """A client whose current database holds the sessions; raises `NoData` where their tables are missing."""
    endpoint = endpoint_of(config)
    with _client(endpoint, served_at(endpoint)) as client:
        yield client


@contextmanager
def reader_of(files: Sequence[Path], sets: Sequence[str]) -> Iterator[Client]:
    """A client as that of `reader`, for the configuration of these options.

    Where a running service owns the data, the rest of the configuration is not looked at: asking takes less time.
    """
    from otel_sessions.cli.options import loaded  # noqa: PLC0415

    owned = _owned(files, sets)
    server = served_at(owned) if owned else None
    if server is None:
        with reader(loaded(files, sets)) as client:
            yield client
    else:
        from otel_sessions.cli.http_sql import Beside, Reader  # noqa: PLC0415
        from otel_sessions.clickhouse.at_once import lend  # noqa: PLC0415

        client = cast("Client", Reader(server))
        lend(client, Beside(server))
        with _explained(server):
            yield client


def endpoint_to_ask(files: Sequence[Path], sets: Sequence[str]) -> Endpoint:
    """The endpoint of the configuration of these options, which is read as far as `reader_of` reads it."""
    from otel_sessions.cli.options import loaded  # noqa: PLC0415

    return _owned(files, sets) or endpoint_of(loaded(files, sets))


def _owned(files: Sequence[Path], sets: Sequence[str]) -> Endpoint | None:
    """The embedded data of this configuration, where a running service serves them; None where that is not plain.

    The service has checked its configuration, so nothing is read but the `endpoint` of its one clickhouse exporter, and
    whoever asks it waits for no check.
    """
    from otel_sessions.clickhouse.client import Endpoint  # noqa: PLC0415
    from otel_sessions.config.document import DEFAULT_CONFIG, given_by, merge, parse  # noqa: PLC0415
    from otel_sessions.config.expand import Expander  # noqa: PLC0415
    from otel_sessions.errors import ConfigError  # noqa: PLC0415

    expander = Expander(os.environ)
    try:
        default = {} if files else parse(DEFAULT_CONFIG, "default")
        tree = expander.expand(merge(default, given_by(files, sets)))
        used = {name for pipeline in tree["service"]["pipelines"].values() for name in pipeline["exporters"]}
        (text,) = (tree["exporters"][name]["endpoint"] for name in used if name.partition("/")[0] == "clickhouse")
        endpoint = None if expander.faults or not text.startswith("chdb://") else Endpoint.parse(text)
    except (ConfigError, LookupError, TypeError, AttributeError, ValueError):
        return None
    return endpoint if endpoint is not None and "clickhouse_http" in owner_of(endpoint) else None


@contextmanager
def writer(config: Config) -> Iterator[Client]:
    """A client for statements that change the data or take long: embedded data that a running service owns are
    reached as their owner, with the secret of the lock file.

    `Permanent` where the service has none, being of an older version, or the file is not this user's to read.
    """
    from otel_sessions.lock import OWNER, OWNER_SECRET  # noqa: PLC0415

    endpoint = endpoint_of(config)
    server = served_at(endpoint)
    if endpoint.embedded and server is not None:
        secret = owner_of(endpoint).get(OWNER_SECRET)
        if not secret:
            raise Permanent(f"the service that owns {endpoint.path} lets nobody write; restart it with this version")
        server = replace(server, user=OWNER, password=secret)
    with _client(endpoint, server, timeout_s=LONG_S) as client:
        yield client


@contextmanager
def _client(endpoint: Endpoint, server: Endpoint | None, timeout_s: int = 300) -> Iterator[Client]:
    from otel_sessions.clickhouse.client import connect  # noqa: PLC0415
    from otel_sessions.clickhouse.errors import reading  # noqa: PLC0415

    if server is None:
        with embedded(endpoint) as client:
            yield client
        return
    with _explained(endpoint):
        with reading():
            client = connect(server, database=server.database, timeout_s=timeout_s)
        try:
            yield client
        finally:
            client.close()


def bypass_proxies() -> None:
    """Makes all clients of this process reach this machine without the proxy that the environment may name."""
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), _LOOPBACK]))


@contextmanager
def _explained(endpoint: Endpoint) -> Iterator[None]:
    try:
        yield
    except QueryError as error:
        if getattr(error.__cause__, "code", None) in _NO_SCHEMA:
            message = (
                f"{endpoint} has no tables of this version yet; `otel-sessions migrate` makes them, as does `serve`"
            )
            raise NoData(message) from error
        raise
