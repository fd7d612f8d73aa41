"""A registry of small plugins, passed in where the installed ones would be looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, field_validator

from otel_sessions.component import Factory, Kind, Settings
from otel_sessions.errors import ConfigError, Fault
from otel_sessions.types import ByteSize, Duration, HostPort


class Grpc(Settings):
    endpoint: HostPort = HostPort("127.0.0.1", 4317)
    max_recv_msg_size_mib: int = Field(default=4, gt=0)


class Http(Settings):
    endpoint: HostPort = HostPort("127.0.0.1", 4318)


class Protocols(Settings):
    grpc: Grpc | None = None
    http: Http | None = None


class Otlp(Settings):
    protocols: Protocols


class Queue(Settings):
    storage: Literal["wal", "memory"] = "memory"
    max_bytes: ByteSize = 10 << 30


class ClickHouse(Settings):
    endpoint: str
    sending_queue: Queue = Queue()
    timeout: Duration = 5.0
    password: str | None = None
    headers: dict[str, str] | None = None
    compress: bool = True

    @field_validator("endpoint")
    @classmethod
    def _url(cls, value: str) -> str:
        if "://" not in value:
            raise ValueError(f"{value!r} is not a URL")
        return value


class Nothing(Settings):
    pass


class Listener(Settings):
    endpoint: HostPort = HostPort("127.0.0.1", 13133)


class Failing(Settings):
    key: str = "a"

    @field_validator("key", mode="before")
    @classmethod
    def _fail(cls, value: object) -> object:
        raise KeyError(value)


def _create(*_: Any) -> None: ...


TYPES: Mapping[Kind, Mapping[str, type[Settings]]] = {
    "receivers": {"otlp": Otlp},
    "processors": {"session": Nothing, "failing": Failing},
    "exporters": {"clickhouse": ClickHouse, "debug": Nothing},
    "extensions": {"health_check": Listener, "clickhouse_http": Listener, "web": Listener},
}


class Plugins:
    """A `Registry`; the processor type `broken` is there but does not load."""

    def types(self, kind: Kind) -> Sequence[str]:
        return sorted([*TYPES[kind], *(["broken"] if kind == "processors" else [])])

    def factory(self, kind: Kind, type_: str, path: str) -> Factory[Any]:
        if type_ == "broken":
            raise ConfigError([Fault(path, "the plugin 'broken' cannot be used")])
        if type_ not in TYPES[kind]:
            raise ConfigError([Fault(path, f"unknown type {type_!r}; there are: {', '.join(self.types(kind))}")])
        return Factory(type_, TYPES[kind][type_], _create)
