# SPDX-License-Identifier: Apache-2.0
"""The only way to ClickHouse: clickhouse-connect, in process (`chdb://`) or over HTTP."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from otel_sessions.clickhouse import cluster
from otel_sessions.errors import ConfigError, Fault, Permanent

if TYPE_CHECKING:  # commands that ask a running service load no components
    from clickhouse_connect.driver.client import Client

    from otel_sessions.component import ComponentId, Host, Settings

DEFAULT_DATABASE = "otel"
NO_ENGINE = "the embedded ClickHouse is not installed; `pip install chdb-core` brings it"
INSERT_SETTINGS: Mapping[str, int] = {
    "async_insert": 0,  # the insert is done when it is answered
    "insert_deduplicate": 0,  # a block that was stored but whose views failed must go to the views again
    "max_partitions_per_insert_block": 0,
    "optimize_on_insert": 0,  # equal rows are few in a block, and merges and views take care of them
}
"""The settings of every insert."""
_NOWHERE = logging.NullHandler()
_MIB = 2**20
_ENGINE: Mapping[str, int | str] = {
    "mark_cache_size": 128 * _MIB,
    "primary_index_cache_size": 128 * _MIB,
    "index_mark_cache_size": 64 * _MIB,
    "text_index_tokens_cache_size": 32 * _MIB,
    "text_index_header_cache_size": 32 * _MIB,
    "text_index_postings_cache_size": 64 * _MIB,
    "query_condition_cache_size": 32 * _MIB,
    "compiled_expression_cache_size": 32 * _MIB,
    "merges_mutations_memory_usage_soft_limit": 256 * _MIB,  # none begins while others take as much
    "memory_worker_use_cgroup": 0,
    "memory_worker_dynamic_hard_limit": 0,
}
"""The settings of the embedded engine, which lives in somebody's process: by default some caches may grow to 5 GiB,
merges take half of the machine's memory, and what other processes of the container or machine take counts as its own:
where they take nine tenths, every statement fails."""
_INSERTS = "otel-sessions-inserts"
_HTTP_PORTS = {"http": 8123, "https": 8443}
_CONNECT_S = 10


@dataclass(frozen=True, slots=True)
class Tls:
    """How a server proves who it is, and we to it: files in PEM, by the names of the Collector's configtls.

    Without `ca_file` the system's authorities are trusted.
    """

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    insecure_skip_verify: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where ClickHouse is, and who we are to it: `chdb://PATH` or `http(s)://[user[:password]@]host[:port][/database]`.

    `path` is the data directory of the embedded engine, None for a server; `cluster` is the name of the one that the
    sessions are spread over, if any. The embedded engine writes and reads backups below `backups` alone, by default
    beside its data. The text never shows the password.
    """

    scheme: str
    database: str = DEFAULT_DATABASE
    path: Path | None = None
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    tls: Tls = Tls()
    cluster: str | None = None
    backups: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """The endpoint that a URL names. Raises ValueError with a text that says what an endpoint looks like."""
        parts = urlsplit(text)
        if parts.scheme == "chdb":
            path = unquote(text.removeprefix("chdb://"))
            if not path:
                raise ValueError("a chdb endpoint names a directory, as in chdb://./otel-sessions-data")
            data = Path(path).resolve()
            return cls("chdb", path=data, backups=data.with_name(f"{data.name}-backups"))
        if parts.scheme not in _HTTP_PORTS or not parts.hostname:
            raise ValueError("write chdb://DIRECTORY or http(s)://[user:password@]host[:port][/database]")
        return cls(
            parts.scheme,
            database=unquote(parts.path.strip("/")) or DEFAULT_DATABASE,
            host=parts.hostname,
            port=parts.port or _HTTP_PORTS[parts.scheme],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )

    @property
    def embedded(self) -> bool:
        return self.path is not None

    def __str__(self) -> str:
        return f"chdb://{self.path}" if self.embedded else f"{self.scheme}://{self.host}:{self.port}/{self.database}"

    __repr__ = __str__


def endpoint_in_use(exporters: Mapping[ComponentId, Settings]) -> Endpoint | None:
    """Where a service with these exporters has its sessions: the endpoint of the first for ClickHouse, if any."""
    for id_, settings in exporters.items():
        connection = getattr(settings, "connection", None)
        if id_.type == "clickhouse" and connection is not None:
            endpoint: Endpoint = connection()
            return endpoint
    return None


def endpoint_needed(host: Host, component_id: ComponentId, does: str) -> Endpoint:
    """Where the service has its sessions, for an extension that `does` something with them. Raises `ConfigError`."""
    endpoint: Endpoint | None = host.clickhouse
    if endpoint is None:
        raise ConfigError([Fault(f"extensions.{component_id}", f"{does} of a clickhouse exporter, and there is none")])
    return endpoint


def connect(
    endpoint: Endpoint, *, database: str | None = None, timeout_s: int = 300, long_parameters: bool = False
) -> Client:
    """A client of its own for the caller; use it from one thread at a time.

    `database` is the current database; None leaves the server's default, as `migrate` needs before it has made one.
    With `long_parameters` those of queries travel in the body of their request, up to 128 KiB each, not in its line.
    A server may take `timeout_s` seconds to answer a statement, and 10 of them to be reached.
    Close an embedded client that has raised, and take another: chDB keeps what a failed query had written for the next
    query on the same connection. Raises clickhouse-connect's errors, see `clickhouse.errors`; `Permanent` without chDB.
    """
    import clickhouse_connect  # noqa: PLC0415 - who asks a running service over plain HTTP does without

    # what it logs it raises too: where nobody configured logging, as in a command, Python would print it beside
    logging.getLogger("clickhouse_connect").addHandler(_NOWHERE)
    if endpoint.path is not None:
        if find_spec("chdb") is None:
            raise Permanent(NO_ENGINE)
        endpoint.path.mkdir(parents=True, exist_ok=True)
        backups = {"backups.allowed_path": str(endpoint.backups)} if endpoint.backups else {}
        options = {**_ENGINE, **backups}
        _keep_inserts_in(endpoint.path / _INSERTS)
        client = clickhouse_connect.get_client(
            interface="chdb", path=str(endpoint.path), database=database, chdb_options=options
        )
        client.set_client_setting("session_timezone", "UTC")
        return _for_cluster(client, endpoint)
    client = clickhouse_connect.get_client(
        interface=endpoint.scheme,
        host=endpoint.host,
        port=endpoint.port,
        username=endpoint.user or None,
        password=endpoint.password,
        database=database or "default",
        autogenerate_session_id=False,
        connect_timeout=min(_CONNECT_S, timeout_s),
        send_receive_timeout=timeout_s,
        form_encode_query_params=long_parameters,
        **_tls(endpoint),
    )
    return _for_cluster(client, endpoint)


def is_embedded(client: object) -> bool:
    """Whether its engine is in this process: its connection is its own, and no name of a part is given twice."""
    return str(getattr(client, "uri", "")).startswith("chdb:")


def clear_inserts(data: Path) -> None:
    """Removes what inserts of a process that was killed have left in this directory of embedded data."""
    for file in (data / _INSERTS).glob("*"):
        file.unlink(missing_ok=True)


def _keep_inserts_in(directory: Path) -> None:
    """Has what is inserted beside the data, where a start finds what a kill has left.

    clickhouse-connect hands an insert to the embedded engine as a file, in the system's temporary directory. It lets
    nobody choose: `tempfile` of its module is its own ground, and tests/http/test_private_ground.py says what we use.
    A version of it that does this otherwise keeps its files where it will.
    """
    try:
        from clickhouse_connect.driver._backend import chdb_backend  # noqa: PLC0415 - it loads the engine
    except ImportError:
        return
    directory.mkdir(exist_ok=True)
    beside = SimpleNamespace(NamedTemporaryFile=partial(NamedTemporaryFile, dir=directory))
    chdb_backend.tempfile = beside  # type: ignore[attr-defined, assignment]


def _for_cluster(client: Client, endpoint: Endpoint) -> Client:
    for name, value in cluster.SETTINGS.items() if endpoint.cluster else ():
        client.set_client_setting(name, value)
    return client


def _tls(endpoint: Endpoint) -> dict[str, Any]:
    tls = endpoint.tls
    return {
        "verify": not tls.insecure_skip_verify,
        "ca_cert": tls.ca_file,
        "client_cert": tls.cert_file,
        "client_cert_key": tls.key_file,
        # With a password, the certificate is for whoever ends TLS; without one, it names the user to ClickHouse.
        "tls_mode": "strict" if endpoint.password else None,
    }
