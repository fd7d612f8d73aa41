# SPDX-License-Identifier: Apache-2.0
"""The processors with the exporters that arguments and OpenTelemetry's variables ask for, and the end of a process.

At the end what waits is sent if somebody listens, and nobody is waited for who does not: OpenTelemetry's exporters try
again for 10 s, by default, when a connection is refused, also when the program has ended.
"""

from __future__ import annotations

import os
import socket
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final
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
    return _first(_ENDPOINTS)


def _otlp(endpoint: str | None, protocol: str | None, headers: Mapping[str, str] | None) -> SpanProcessor:
    """Over gRPC or HTTP: by `protocol`, the environment, or the port and path of the endpoint; gRPC by default."""
    target = endpoint or environment_endpoint()
    wanted = protocol or _first(_PROTOCOLS) or _guess_protocol(target)
    sent = dict(headers) if headers else None
    make: Callable[[], SpanExporter]
    if wanted == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc  # noqa: PLC0415

        make = partial(grpc.OTLPSpanExporter, endpoint=endpoint and _with_scheme(endpoint), headers=sent)
    elif wanted == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http import trace_exporter as http  # noqa: PLC0415

        make = partial(http.OTLPSpanExporter, endpoint=endpoint and _traces_url(endpoint), headers=sent)
    else:
        raise ValueError(f"the protocol {wanted!r} is not known here; there are grpc and http/protobuf")
    return EndingProcessor(PerProcess(make), _with_scheme(target or _DEFAULTS[wanted]))


def _make_named(name: str) -> SpanExporter:
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import, seldom needed

    for entry in entry_points(group=GROUP, name=name):
        exporter: SpanExporter = entry.load()()
        return exporter
    raise ValueError(f"OTEL_TRACES_EXPORTER: no exporter of the name {name!r} is installed")


def _guess_protocol(endpoint: str | None) -> str:
    if endpoint is None:
        return "grpc"
    url = urlsplit(_with_scheme(endpoint))
    return "http/protobuf" if url.port == _HTTP_PORT or url.path.strip("/") else "grpc"


def _traces_url(endpoint: str) -> str:
    """The URL for spans; one that has a path beyond `/v1/traces` or `/` is a base, as in the environment variable."""
    url = _with_scheme(endpoint).rstrip("/")
    return url if url.endswith("/v1/traces") else f"{url}/v1/traces"


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
        if not url.hostname or not port or _is_proxied(url.scheme, url.hostname):
            return True
        try:
            socket.create_connection((url.hostname, port), CONNECT_S).close()
        except OSError:
            return False
    return True


def _is_proxied(scheme: str, host: str) -> bool:
    from urllib import request  # noqa: PLC0415 - imports the whole of HTTP

    return bool({scheme, "all"} & request.getproxies().keys()) and not request.proxy_bypass(host)


let_finalizers_wait()  # whatever exporter is named, `configure` makes its provider later
