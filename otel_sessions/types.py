# SPDX-License-Identifier: Apache-2.0
"""Small types that configurations share: a duration, a size, an address to listen on.

Their messages are complete sentences for the person who wrote the value; `config` puts the path in front of them.
"""

from __future__ import annotations

import errno
import ipaddress
import math
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

# The units of Go's time.ParseDuration, in seconds.
_DURATION_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_UNITS["d"] = 86_400.0  # beyond Go's, for how long data are kept
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h|d)", re.ASCII)
_SIZE_UNITS = {
    unit: base ** (power + 1)
    for base, suffix in ((1000, "b"), (1024, "ib"))
    for power, unit in enumerate(f"{letter}{suffix}" for letter in "kmgtp")
} | {"": 1, "b": 1}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.ASCII | re.IGNORECASE)
_HOST_PORT = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.%\w]+)\]|(?P<host>[^\s:/\[\]]*)):(?P<port>\d{1,5})", re.ASCII)
_MAX_PORT = 65535
_MAX_SECONDS = 2**63 / 1e9  # as in Go, where a duration is an int64 of nanoseconds


def parse_duration(value: object) -> float:
    """Seconds of `"1m30s"` (Go's duration syntax, not negative) or of a number, which is seconds already.

    Raises ValueError for anything else.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value <= _MAX_SECONDS:
        seconds = float(value)
    elif isinstance(value, str):
        text = value.strip()
        parts = _DURATION_PART.findall(text)
        if text == "0":
            seconds = 0.0
        elif not parts or "".join(number + unit for number, unit in parts) != text:
            seconds = math.nan
        else:
            seconds = math.fsum(float(number) * _DURATION_UNITS[unit] for number, unit in parts)
    else:
        seconds = math.nan
    if not 0 <= seconds <= _MAX_SECONDS:
        raise ValueError("write a duration as in 5s, 200ms or 1m30s, or a number of seconds")
    return seconds


def parse_size(value: object) -> int:
    """Bytes of `64MiB` (1024s), `64MB` (1000s) or of a whole number, which is bytes already; ValueError otherwise."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())) and match[2].lower() in _SIZE_UNITS:
        size = float(match[1]) * _SIZE_UNITS[match[2].lower()]
        if math.isfinite(size):
            return int(size)
    raise ValueError("write a size as in 64MiB or 10GiB, or a number of bytes")


Duration = Annotated[float, BeforeValidator(parse_duration)]
"""A field of seconds that a configuration may write as `5s`, `200ms`, `1m30s` or a number."""

ByteSize = Annotated[int, BeforeValidator(parse_size)]
"""A field of bytes that a configuration may write as `64MiB`, `10GiB` or a number."""


def empty_means_defaults(value: Any) -> Any:
    """`grpc:` with nothing behind it is `grpc: {}`, as in the Collector."""
    return {} if value is None else value


EMPTY_MEANS_DEFAULTS = BeforeValidator(empty_means_defaults)
"""Of a field that is a configuration of its own."""


def _readable(path: str) -> str:
    try:
        Path(path).open("rb").close()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    return path


def address_problem(address: HostPort) -> str | None:
    """Why the system refuses to listen on this address now; None where it does not."""
    try:
        family, _, _, _, name = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(name)
            probe.listen()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"{address} is in use by another process; stop that, or choose another port"
        return f"cannot listen on {address}: {error.strerror or error}"
    return None


def directory_problem(path: Path) -> str | None:
    """Why files cannot be written into this directory, which may be yet to be made; None where they can."""
    there = next((each for each in (path, *path.parents) if each.exists()), None)
    if there is None or not there.is_dir():
        return f"{there or path} is not a directory; name one, or a path where it can be made"
    return None if os.access(there, os.W_OK | os.X_OK) else f"{there} is not writable for this user"


ReadableFile = Annotated[str, AfterValidator(_readable)]
"""A field that is the path of a file which can be read when the configuration is."""


@dataclass(frozen=True, slots=True, order=True)
class HostPort:
    """An address to listen on. Port 0 lets the system choose; an IPv6 host is kept without its brackets."""

    host: str
    port: int

    @classmethod
    def parse(cls, value: object) -> HostPort:
        """The address in `host:port`, `[v6]:port` or, as in Go, `:port` for every interface; ValueError otherwise."""
        if isinstance(value, HostPort):
            return value
        match = _HOST_PORT.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None or int(match["port"]) > _MAX_PORT:
            raise ValueError("write host:port, as in 127.0.0.1:4317 or [::1]:4317; port 0 takes a free one")
        return cls(match["v6"] or match["host"] or "0.0.0.0", int(match["port"]))  # noqa: S104 - what Go means by it

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it; a name that may mean anything is not."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
