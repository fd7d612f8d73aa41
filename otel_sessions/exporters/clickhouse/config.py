# SPDX-License-Identifier: Apache-2.0
"""Configuration of the exporter `clickhouse`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from otel_sessions.clickhouse.client import NO_ENGINE, Endpoint, Tls, endpoint_in_use
from otel_sessions.component import Settings, Used
from otel_sessions.errors import Fault
from otel_sessions.exporterhelper.config import SendingSettings
from otel_sessions.http.tls import ClientTls
from otel_sessions.types import EMPTY_MEANS_DEFAULTS, Duration, directory_problem


def _checked(text: str) -> str:
    Endpoint.parse(text)
    return text


Idle = Annotated[Duration, Field(ge=60.0, le=86_400.0)]
Split = Annotated[Duration, Field(ge=60.0, le=366 * 86_400.0)]


class AttributionConfig(Settings):
    """How soon after an insert a late claim moves the spans of its trace."""

    interval: Duration = Field(default=1.0, gt=0, le=5.0)


class RetentionConfig(Settings):
    """How long sessions are kept after their last activity, and spans of no session by their time; None is for ever.

    Sessions that `keep` speaks for stay. What arrives for a deleted session within `forget_for` is dropped.
    """

    sessions: Duration | None = Field(default=None, gt=0)
    unassigned: Duration | None = Field(default=None, gt=0)
    keep: tuple[Literal["bookmarked", "scored", "labelled"], ...] = ("bookmarked", "scored", "labelled")
    forget_for: Duration | None = Field(default=86_400.0, gt=0)
    check_interval: Duration = Field(default=3600.0, gt=0)


class ClickHouseConfig(SendingSettings):
    """`endpoint` is `chdb://DIRECTORY` or `http(s)://[user:password@]host[:port][/database]`.

    `timeout`, `username` and `password` (before those of the endpoint) and `tls` are for a server. A session is idle
    when its last span ended `idle_after` ago, in seconds; by project, `idle_after_of`. A new part of it begins where no
    turn was for longer than `split_after`, None for never; by project, `split_after_of`. `cluster` names the servers
    that the tables are spread over, as ClickHouse's `remote_servers` does, or is a macro: {cluster}.
    `backup_directory` is where the embedded engine may write backups, by default beside the data.
    """

    endpoint: Annotated[str, AfterValidator(_checked)] = "chdb://./otel-sessions-data"
    username: str = ""
    password: str = Field(default="", repr=False)
    tls: Annotated[ClientTls, EMPTY_MEANS_DEFAULTS] = ClientTls()
    timeout: Duration = Field(default=30.0, ge=1)
    compress: Literal["none", "lz4", "zstd"] = "lz4"
    cluster: Annotated[str, Field(pattern=r"^([\w-]+|\{\w+\})$")] | None = None
    create_schema: bool = True
    backup_directory: Annotated[str, Field(min_length=1)] | None = None
    idle_after: Idle = 1800.0
    idle_after_of: Mapping[str, Idle] = Field(default_factory=dict)
    split_after: Split | None = None
    split_after_of: Mapping[str, Split | None] = Field(default_factory=dict)
    attribution: AttributionConfig = AttributionConfig()
    retention: Annotated[RetentionConfig, EMPTY_MEANS_DEFAULTS] = RetentionConfig()

    @model_validator(mode="after")
    def _has_users(self) -> ClickHouseConfig:
        if self._scheme == "chdb" and (self.username or self.password):
            raise ValueError("username and password are for a server; chdb:// has no users")
        return self

    @model_validator(mode="after")
    def _has_tls(self) -> ClickHouseConfig:
        if self._scheme != "https" and self.tls != ClientTls():
            raise ValueError("tls is for an endpoint at https://")
        return self

    @model_validator(mode="after")
    def _has_a_cluster(self) -> ClickHouseConfig:
        if self._scheme == "chdb" and self.cluster is not None:
            raise ValueError("cluster is for servers; chdb:// is the engine of this one process")
        return self

    @property
    def _scheme(self) -> str:
        return Endpoint.parse(self.endpoint).scheme

    def find_faults(self, used: Used) -> Iterator[Fault]:
        data = Endpoint.parse(self.endpoint).path
        if data is None:
            yield from super().find_faults(used)
            return
        if find_spec("chdb") is None:
            yield Fault("endpoint", NO_ENGINE)
        if problem := directory_problem(data):
            yield Fault("endpoint", problem)
        else:
            yield from super().find_faults(used)
        first = endpoint_in_use(used["exporters"])
        if first is not None and first.path not in {None, data}:
            yield Fault("endpoint", f"a process has one directory of embedded data, and that is {first.path} already")

    def connection(self) -> Endpoint:
        """The endpoint with all that a connection to it needs."""
        parsed = Endpoint.parse(self.endpoint)
        return replace(
            parsed,
            user=self.username or parsed.user,
            password=self.password or parsed.password,
            tls=Tls(**self.tls.model_dump()),
            cluster=self.cluster,
            backups=Path(self.backup_directory).resolve() if self.backup_directory else parsed.backups,
        )

    def log_directory(self) -> Path:
        """Beside the embedded data, so that each data directory has a log of its own."""
        data = Endpoint.parse(self.endpoint).path
        if data is None or self.sending_queue.directory is not None:
            return super().log_directory()
        return data.with_name(f"{data.name}-wal")
