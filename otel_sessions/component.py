# SPDX-License-Identifier: Apache-2.0
"""What a component is: typed configuration, a factory, and the interfaces that it may have.

Built-ins and third parties register a `Factory` under the same entry point groups (see `GROUPS`). Names and roles are
those of the OpenTelemetry Collector.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict, PlainValidator

from otel_sessions.errors import Fault
from otel_sessions.footprint import Room

if TYPE_CHECKING:  # commands that ask a running service load neither
    import pyarrow as pa
    from opentelemetry.trace import Tracer

    from otel_sessions.pdata import Checked, SpanBatch
    from otel_sessions.telemetry import Metrics

logger = logging.getLogger("otel_sessions")
Kind = Literal["receivers", "processors", "exporters", "extensions"]
GROUPS: Mapping[Kind, str] = {
    "receivers": "otel_sessions.receivers",
    "processors": "otel_sessions.processors",
    "exporters": "otel_sessions.exporters",
    "extensions": "otel_sessions.extensions",
}
DEFAULT_PROJECT = "default"
_ID = re.compile(r"(?P<type>[a-zA-Z][0-9a-zA-Z_]{0,62})(?:/(?P<name>[^/\s][^\s]{0,1023}))?")


@dataclass(frozen=True, slots=True)
class ComponentId:
    """`type` or `type/name`, as the Collector writes it."""

    type: str
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> ComponentId:
        match = _ID.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a component id; write `type` or `type/name`")
        return cls(match["type"], match["name"] or "")

    def __str__(self) -> str:
        return f"{self.type}/{self.name}" if self.name else self.type


Used: TypeAlias = "Mapping[Kind, Mapping[ComponentId, Settings]]"
"""The settings of every component that a service runs."""


class Settings(BaseModel):
    """Base of every configuration: frozen, and a key it does not know is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    def find_faults(self, used: Used) -> Iterable[Fault]:
        """What a service would refuse of these settings beside the others in use, or where it would run.

        Called before anything starts, where each setting is right by itself; paths are relative to the settings.
        """
        return ()


def _parsed(value: Any) -> ComponentId:
    if not isinstance(value, str | ComponentId):
        raise ValueError("write the id of an extension, as in `basicauth` or `basicauth/name`")  # noqa: TRY004
    return ComponentId.parse(value) if isinstance(value, str) else value


class AuthSettings(Settings):
    """`auth` of whatever listens: which of the service's extensions knows its clients."""

    authenticator: Annotated[ComponentId, PlainValidator(_parsed)]


OnError = Literal["fail", "drop", "pass"]


class ProcessorSettings(Settings):
    """Base of the configurations of processors that may be told what happens to spans for which they raise.

    See `Tolerant`.
    """

    on_error: OnError = "fail"


class AuthenticatorSettings(Settings):
    """Base of the configurations of extensions that are an `Authenticator`; others cannot be named in `auth`."""


@dataclass(frozen=True, slots=True)
class Request:
    """One OTLP trace export request as it came: protobuf bytes, uncompressed, and the project it belongs to."""

    body: bytes
    project: str = DEFAULT_PROJECT


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to a `Request`: what was taken, what was refused, and a sentence for the developer, if any."""

    accepted_spans: int = 0
    rejected_spans: int = 0
    message: str = ""


ClaimListener = Callable[[tuple[str, str], tuple[int, int, int, str]], None]
"""Takes (project, trace id) and a claim: (level, 0 for a root and 1 for others, start in ns, session id)."""


class Consumer(Protocol):
    """Where a receiver hands its requests."""

    def consume(self, request: Request) -> Future[Outcome]:
        """The future holds the outcome once the spans are safe, or raises `Permanent` or `Retryable`.

        Raises `Retryable` at once when there is no room.
        """
        ...


@runtime_checkable
class Component(Protocol):
    """A part with a life cycle: no I/O and no thread before `start`, and nothing kept after `shutdown`."""

    def start(self) -> None:
        """Raises when it cannot work, and then nothing is left behind: a second try may do."""
        ...

    def shutdown(self, timeout: float) -> None:
        """Stops within `timeout` seconds; a second call does nothing."""
        ...


class Listening(Component, Protocol):
    """A component that listens: `endpoints` maps a name, as in `otlp/grpc`, to the `host:port` taken."""

    @property
    def endpoints(self) -> Mapping[str, str]: ...


class Receiver(Listening, Protocol):
    """Takes requests off the network and hands them to its consumer."""


class Extension(Listening, Protocol):
    """Serves beside the pipelines."""


@runtime_checkable
class Authenticator(Protocol):
    """An extension that knows clients by their credentials; any thread may call it."""

    def authenticate(self, headers: Mapping[str, str]) -> str:
        """The project of a request with these headers, their names in lower case; where roles are known, a `Member` of
        `http.auth`.

        Raises `Unauthenticated`, or `Retryable` where it cannot tell now. May take as long as a slow hash does, and
        equally long for all secrets that are wrong.
        """
        ...


@runtime_checkable
class LoginForm(Protocol):
    """What an `Authenticator` may be besides: one that people can log in to, by a form of a name and a secret.

    `header` is the header, in lower case, that credentials travel in; `header_of` is its value for what the form has.
    Without `wants_name` the secret is all.
    """

    header: str
    wants_name: bool

    def header_of(self, name: str, secret: str) -> str: ...


class Processor(Protocol):
    """Derives columns, or drops rows. Called by one thread at a time; returns, never forwards.

    One that is a `Component` too is started before spans come and shut down after the last. With a write-ahead log the
    sender is answered before its spans are processed; see `Noting`.
    """

    def process(self, batch: SpanBatch) -> SpanBatch: ...


@runtime_checkable
class Tolerant(Protocol):
    """A processor that says what becomes of spans for which it raises, or of which it returns no batch.

    With `fail`, as where it says nothing, what came with them waits in the log and is tried again. With `drop` and
    `pass` the spans to blame are sought, by further calls with parts of the batch: they are dropped, or go on as they
    were.
    """

    on_error: OnError


@runtime_checkable
class Noting(Protocol):
    """A processor whose notes reach the sender although the answer goes out before its spans are processed."""

    noted_bytes: int
    """Values of attributes are long for it from one byte more on."""

    def may_note(self, checked: Checked) -> bool:
        """Whether it might have a note to any of the requests: then they are processed before the answer, too."""
        ...


@runtime_checkable
class Holding(Protocol):
    """A processor for which spans may wait in the log of an exporter with `awaits_claims` until it knows more of them
    than when they came, for `claim_wait` seconds at most. 0 lets none wait."""

    claim_wait: float

    def unclaimed(self, batch: SpanBatch) -> pa.BooleanArray:
        """Which spans of a batch that it has processed had better wait."""
        ...

    def claim(self, batch: SpanBatch) -> SpanBatch:
        """Spans that were processed before and have waited, with what is known of them now."""
        ...


@runtime_checkable
class Forgetting(Protocol):
    """A processor that remembers spans. `forget` is called when spans that it has seen were not stored after all."""

    def forget(self) -> None: ...


@runtime_checkable
class Gate(Protocol):
    """A processor that may refuse a request before it is read. `admit` raises `Retryable`; any thread may call it."""

    def admit(self) -> None: ...


class Exporter(Component, Protocol):
    """Stores batches."""

    def export(self, batches: Sequence[SpanBatch], token: str) -> None:
        """Makes one attempt, and returns when the spans are stored; raises `Permanent` or `Retryable`.

        The same `token` means the same spans once more: an exporter that can stores them once.
        """
        ...


@runtime_checkable
class Syncing(Protocol):
    """An exporter whose disk may be this machine's: `needs_sync` says whether it is."""

    needs_sync: bool

    def sync(self) -> None:
        """Returns when all that was stored before outlasts a power cut; raises OSError. Any thread may call it."""
        ...


@runtime_checkable
class AwaitingClaims(Protocol):
    """An exporter for which it is cheaper to have a span once its session is known, see `Holding`."""

    awaits_claims: bool


@runtime_checkable
class Forwarding(Protocol):
    """An exporter that passes on what was sent. With `wants_requests` its batches have their `requests`."""

    wants_requests: bool


def _no_tracer() -> Tracer:
    from opentelemetry.trace import NoOpTracer  # noqa: PLC0415

    return NoOpTracer()


@dataclass(frozen=True)
class Host:
    """What the service offers its components.

    `clickhouse` is the `clickhouse.client.Endpoint` of the (first) clickhouse exporter. `report` records a component's
    health in `statuses`: None is well, text says what is wrong; `refusing` names those whose trouble keeps requests
    from being taken, `ended` those whose thread has ended by an error, `running` the threads. `claim_listeners` are
    told the best claims of traces that the database knew and this process did not. `mounts` are the APIs that receivers
    serve over HTTP, `http.mounts.Mount`; `grpc_mounts` over gRPC, `http.mounts.GrpcMount`. `authenticators` are the
    extensions' that run. `endpoints` has what listens where: `web` and the like to `host:port`. What arrives for a
    deleted session stays away for `forget_for_s`, None for ever. `owner_secret` opens the embedded data to who may read
    the lock file; it belongs in no log. `tracer` makes spans of our own, `received` has room for requests.
    """

    metrics: Metrics
    clickhouse: Any = None
    statuses: dict[str, str | None] = field(default_factory=dict)
    refusing: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    running: set[str] = field(default_factory=set)
    claim_listeners: list[ClaimListener] = field(default_factory=list)
    mounts: Sequence[Any] = ()
    grpc_mounts: Sequence[Any] = ()
    authenticators: dict[ComponentId, Authenticator] = field(default_factory=dict)
    endpoints: dict[str, str] = field(default_factory=dict)
    forget_for_s: float | None = 86_400.0
    owner_secret: str = field(default_factory=token_urlsafe, repr=False)
    tracer: Tracer = field(default_factory=_no_tracer)
    received: Room = field(default_factory=Room)

    def report(self, component: str, problem: str | None, *, refuses: bool = False) -> None:
        """`refuses`: no request is taken while this problem lasts."""
        self.statuses[component] = problem
        (self.refusing.add if problem is not None and refuses else self.refusing.discard)(component)

    def health(self) -> Mapping[str, str | None]:
        return dict(self.statuses)


class Worker:
    """A thread of a component, from `start` until `run` returns.

    If `run` raises instead, the component `name` is not well from then on, the log says why, and `failed` is called, to
    settle what the thread held.
    """

    def __init__(
        self,
        name: str,
        task: str,
        run: Callable[[], None],
        host: Host,
        failed: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        self._name = f"{name}-{task}"
        self._run = run
        self._host = host
        self._failed = failed
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._host.running.add(self._name)
        self._thread = threading.Thread(target=self._run_to_the_end, name=self._name, daemon=True)
        self._thread.start()

    def join(self, timeout: float) -> bool:
        """Waits for its end, at most `timeout` seconds; returns whether it has ended."""
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run_to_the_end(self) -> None:
        try:
            self._run()
        except BaseException as error:
            logger.exception("the thread %s has ended by an error; restart the service", self._name)
            problem = f"its thread has ended by an error: {type(error).__name__}: {error}"
            self._host.ended.add(self._name)
            self._host.report(self._name, problem, refuses=True)
            self._failed(error)
        finally:
            self._host.running.discard(self._name)


C = TypeVar("C", bound=Settings)


@dataclass(frozen=True)
class Factory(Generic[C]):
    """How a type of component comes to be; `name` is the type as a configuration names it.

    `create` is called as `create(component_id, config, host)`; a receiver's gets the `Consumer` as a fourth argument.
    `replaced_by` is the name that a type has now, where this is an older one.
    """

    name: str
    config: type[C]
    create: Callable[..., Any]
    summary: str = ""
    replaced_by: str = ""
