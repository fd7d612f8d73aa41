# SPDX-License-Identifier: Apache-2.0
"""The processors with the exporters that arguments and OpenTelemetry's variables ask for, and the end of a process.

At the end what waits is sent if somebody listens, and nobody is waited for who does not: OpenTelemetry's exporters try
again for 10 s, by default, when a connection is refused, also when the program has ended. `multiprocessing` ends its
children without `atexit`, on which the SDK relies: `call_at_end` is for these.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from otel_sessions.sdk.safely import Safely, logger

_NONE: Final = ("", "none")
GROUP: Final = "opentelemetry_traces_exporter"
CONNECT_S: Final = 1.0
_HTTP_PORT: Final = 4318
_DEFAULTS: Final = {"grpc": "localhost:4317", "http/protobuf": "localhost:4318"}
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PORTS: Final = {"http": 80, "https": 443}
_asking = Safely("asking whether a receiver listens")
_stopping = Safely("stopping an exporter")
END_S: Final = 10.0
"""For all that is to be done at the end of a child process."""
TERMINATED_S: Final = 3.0
"""The same of a daemon, which ends by SIGTERM."""
_PRIORITY: Final = -90  # after what an application asks for, which may make spans; -100 removes temporary directories
_sending_last = Safely("sending what waits at the end of a child process")
_watching_children = Safely("watching for the end of a child process")
_acts: list[Callable[[], object]] = []
_finalizer: Any = None


def processors(endpoint: str | None, protocol: str | None, headers: Mapping[str, str] | None) -> list[SpanProcessor]:
    """OTLP to `endpoint`; without one, what `OTEL_TRACES_EXPORTER` names, OTLP by default. May raise anything."""
    listed = "otlp" if endpoint is not None else os.environ.get("OTEL_TRACES_EXPORTER", "otlp")
    names = [name for name in map(str.strip, listed.split(",")) if name not in _NONE]
    if (protocol or headers) and "otlp" not in names:
        logger.warning("OTEL_TRACES_EXPORTER is %s, so spans are sent without protocol and headers", listed)
    return [
        _otlp(endpoint, protocol, headers) if name == "otlp" else BatchSpanProcessor(_make_named(name))
        for name in names
    ]


def environment_endpoint() -> str | None:
    """The OTLP endpoint that OpenTelemetry's variables name; None where none of them is set."""
    return _first(_ENDPOINTS)


def _otlp(endpoint: str | None, protocol: str | None, headers: Mapping[str, str] | None) -> SpanProcessor:
    """Over gRPC or HTTP: by `protocol`, the environment, or the port and path of the endpoint; gRPC by default."""
    target = endpoint or environment_endpoint()
    wanted = protocol or _first(_PROTOCOLS)
    if not wanted:
        url = urlsplit(_with_scheme(target or _DEFAULTS["grpc"]))
        wanted = "http/protobuf" if url.port == _HTTP_PORT or url.path.strip("/") else "grpc"
    sent = dict(headers) if headers else None
    make: Callable[[], SpanExporter]
    if wanted == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc  # noqa: PLC0415

        make = partial(grpc.OTLPSpanExporter, endpoint=endpoint and _with_scheme(endpoint), headers=sent)
    elif wanted == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http import trace_exporter as http  # noqa: PLC0415

        # an endpoint with a path beyond `/v1/traces` or `/` is a base, as in the environment variable
        base = endpoint and _with_scheme(endpoint).rstrip("/")
        url_of_spans = base if not base or base.endswith("/v1/traces") else f"{base}/v1/traces"
        make = partial(http.OTLPSpanExporter, endpoint=url_of_spans, headers=sent)
    else:
        raise ValueError(f"the protocol {wanted!r} is not known here; there are grpc and http/protobuf")
    return EndingProcessor(PerProcess(make), _with_scheme(target or _DEFAULTS[wanted]))


def _make_named(name: str) -> SpanExporter:
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import, seldom needed

    for entry in entry_points(group=GROUP, name=name):
        exporter: SpanExporter = entry.load()()
        return exporter
    raise ValueError(f"OTEL_TRACES_EXPORTER: no exporter of the name {name!r} is installed")


def _with_scheme(endpoint: str) -> str:
    return endpoint if "://" in endpoint else f"http://{endpoint}"


def _first(names: tuple[str, ...]) -> str | None:
    return next((found for name in names if (found := os.environ.get(name, "").strip())), None)


class PerProcess(SpanExporter):
    """An exporter of its own for each process: a forked one must not send on the connections of its parent."""

    def __init__(self, make: Callable[[], SpanExporter]) -> None:
        self._make = make
        self._made = (os.getpid(), make())

    @property
    def exporter(self) -> SpanExporter:
        pid = os.getpid()
        if self._made[0] != pid:
            self._made = (pid, self._make())
        return self._made[1]

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self.exporter.export(spans)

    def shutdown(self) -> None:
        self.exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self.exporter.force_flush(timeout_millis)


class EndingProcessor(BatchSpanProcessor):
    """Sends spans in batches. `shutdown` sends what waits, or drops it where nobody listens at `endpoint`."""

    def __init__(self, exporter: SpanExporter, endpoint: str) -> None:
        super().__init__(exporter)
        self._endpoint = endpoint

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Returns False at once where nobody listens; spans that wait stay."""
        return listens(self._endpoint) and super().force_flush(timeout_millis)

    def shutdown(self) -> None:
        if not listens(self._endpoint):
            logger.warning("nobody listens at %s: spans that were not sent yet are dropped", self._endpoint)
            with _stopping:
                # Before the processor, which would wait for it: it stops trying again.
                self.span_exporter.shutdown()
        super().shutdown()  # type: ignore[no-untyped-call]


def let_finalizers_wait() -> None:
    """Lets the finalizers of this process, one of which closes a chDB client, run after the tracer providers that are
    made from now on have sent what waits: at exit they have the place of the first finalizer that was ever made."""
    weakref.finalize(EndingProcessor, int)


def listens(endpoint: str) -> bool:
    """Whether a connection to the host and port of a URL is taken within a second; True where that says nothing: for
    other URLs, and where a proxy stands between."""
    with _asking:
        url = urlsplit(endpoint)
        port = url.port or _PORTS.get(url.scheme)
        if not url.hostname or not port:
            return True
        from urllib import request  # noqa: PLC0415 - imports the whole of HTTP

        if {url.scheme, "all"} & request.getproxies().keys() and not request.proxy_bypass(url.hostname):
            return True
        try:
            socket.create_connection((url.hostname, port), CONNECT_S).close()
        except OSError:
            return False
    return True


def call_at_end(act: Callable[[], object]) -> None:
    """Calls it at the end of each child of `multiprocessing`: of this process, if it is one, and of those it starts.

    All that is to be done there has 10 s. Daemons, as the workers of a pool are, end by SIGTERM: they have 3 s, unless
    the application handles that signal itself.
    """
    if not _acts:
        call_after_fork(_await_start)
        _await_start()
    _acts.append(act)


def call_after_fork(act: Callable[[], object]) -> None:
    """Calls it in each process that is forked from this one, where no lock that another thread held is ever let go."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=act)


def _await_start() -> None:
    """A forked child forgets the finalizers of its parent, and then calls what was registered for that moment."""
    with _watching_children:
        if (util := sys.modules.get("multiprocessing.util")) is not None:
            process = sys.modules["multiprocessing.process"]
            util.register_after_fork(_await_start, _watch)
            if process.parent_process() is not None or _is_preparing(process.current_process()):
                _watch()


def _is_preparing(process: Any) -> bool:
    """Whether this is a child, spawned or of a fork server, that imports the main module before it becomes itself."""
    return getattr(process, "_inheriting", False)


def _watch(_: object = None) -> None:
    global _finalizer  # noqa: PLW0603 - one for the process
    with _watching_children:
        if _finalizer is None or not _finalizer.still_active():
            _finalizer = sys.modules["multiprocessing.util"].Finalize(None, _end, (END_S,), exitpriority=_PRIORITY)
        process = sys.modules["multiprocessing.process"].current_process()
        if (process.daemon or _is_preparing(process)) and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, _: FrameType | None) -> None:
    if sys.modules["multiprocessing.process"].current_process().daemon:
        _end(TERMINATED_S)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _end(timeout: float) -> None:
    """Does what was registered, in a thread: the one that a signal has interrupted may hold a lock that is needed."""
    with _sending_last:
        thread = threading.Thread(target=_act, name="otel-sessions-end", daemon=True)
        thread.start()
        thread.join(timeout)
        if thread.is_alive():
            logger.warning("what waits at the end of this process is dropped: it was not sent within %.0f s", timeout)


def _act() -> None:
    for act in _acts:
        with _sending_last:
            act()


let_finalizers_wait()  # whatever exporter is named, `configure` makes its provider later
