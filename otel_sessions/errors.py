# SPDX-License-Identifier: Apache-2.0
"""Every error this package raises, and what its class decides: whether anybody should try again.

`Permanent` errors end at the sender: the same bytes will fail again. `Retryable` errors say when to come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches


class OtelSessionsError(Exception):
    """The root of the tree."""


class Permanent(OtelSessionsError):  # noqa: N818 - the Collector's word, consumererror.NewPermanent
    """Trying again cannot help."""


class InvalidData(Permanent):
    """The request is not what its protocol says: OTLP/gRPC INVALID_ARGUMENT, HTTP 400."""


class TooLarge(Permanent):
    """The request is over a size limit: RESOURCE_EXHAUSTED without RetryInfo, HTTP 413."""


class Unauthenticated(Permanent):
    """Nobody knows these credentials, or there are none: UNAUTHENTICATED, HTTP 401.

    `challenge` is what `WWW-Authenticate` asks for, as in `Basic realm="otel-sessions"`. The message names no secret.
    """

    def __init__(self, message: str, *, challenge: str) -> None:
        super().__init__(message)
        self.challenge = challenge


class SchemaError(Permanent):
    """The database's tables are not the ones this version writes; the message says what to run."""


class QueryError(Permanent):
    """A statement that ClickHouse, or the read-only filter before it, refused."""


class NotStored(Permanent):
    """This service has no exporter `clickhouse`, so there is nothing to read or add to: UNIMPLEMENTED, HTTP 501."""


class Retryable(OtelSessionsError):  # noqa: N818
    """It may work later: UNAVAILABLE with RetryInfo, HTTP 503 with Retry-After.

    `retry_after` is in seconds.
    """

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Throttled(Retryable):
    """The other side says when to come back, and nobody tries before that."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong with a configuration: `path` as in `receivers.otlp.protocols.grpc.endpoint`."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ConfigError(OtelSessionsError):
    """All the faults of a configuration, found together."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


def hint(name: str, known: Sequence[str]) -> str:
    """`; did you mean 'x'?`, or `; there are: x, y`, to append to a message about a name that is none of `known`."""
    return near(name, known) or (f"; there are: {', '.join(known)}" if known else "; there are none")


def near(name: str, known: Sequence[str]) -> str:
    """`; did you mean 'x'?` where one of the `known` words is near, to append to a message that lists them; else
    nothing."""
    by_lower = {each.lower(): each for each in known}
    close = get_close_matches(name.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""
