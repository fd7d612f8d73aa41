"""The service itself: its state, and how to connect an application to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otel_sessions._version import __version__
from otel_sessions.clickhouse.sql import statement
from otel_sessions.extensions.web.api import sessions
from otel_sessions.extensions.web.api.parameters import Listed
from otel_sessions.extensions.web.pages.endpoints import otlp
from otel_sessions.extensions.web.pages.format import duration, number, size
from otel_sessions.extensions.web.pages.visit import Shown, Visit

_COUNTED: Final = (
    ("Received", "otelcol_receiver_accepted_spans", "spans"),
    ("Refused", "otelcol_receiver_refused_spans", "spans"),
    ("Stored", "otelcol_exporter_sent_spans", "spans"),
    ("Set aside", "otel_sessions_quarantined_spans", "spans"),
    ("Without a session", "otel_sessions_spans_without_session", "spans"),
    ("Repeated requests", "otel_sessions_repeated_requests", ""),
    ("Waiting in the queue", "otelcol_exporter_queue_size", "bytes"),
    ("Oldest not stored", "otel_sessions_oldest_unstored_seconds", "seconds"),
)


def status(visit: Visit) -> Shown:
    """`/status`."""
    figures = _figures(visit)
    spans = [(name, _said(figures.get(metric, 0.0), unit)) for name, metric, unit in _COUNTED]
    health = [
        {"name": name, "well": reason is None, "reason": reason or ""}
        for name, reason in sorted(visit.host.health().items())
    ]
    listening = sorted(visit.host.endpoints.items())
    process = [
        ("Up", duration(figures.get("otelcol_process_uptime_seconds", 0) * 1e9)),
        ("Memory", size(int(figures.get("otelcol_process_memory_rss_bytes", 0)))),
    ]
    groups = [
        {"title": "Spans", "rows": spans},
        {"title": "Listening", "rows": listening},
        {"title": "Process", "rows": process},
        {"title": "Versions", "rows": [("otel-sessions", __version__), ("ClickHouse", visit.client.server_version)]},
        {"title": "On disk", "rows": _tables(visit)},
    ]
    well = all(component["well"] for component in health)
    return Shown("status.html", {"section": "/status", "health": health, "groups": groups, "well": well})


def connect(visit: Visit) -> Shown:
    """`/connect`, with the endpoints of this service filled in."""
    ports = otlp(visit)
    there = visit.read(sessions.list_, Listed, {"limit": 1, "fields": "core"})["sessions"]
    samples = [{**sample, **{name: _filled(sample[name], ports) for name in ("code", "note")}} for sample in SAMPLES]
    values = {"section": "/connect", "otlp": ports, "samples": samples, "connected": bool(there)}
    return Shown("connect.html", {**values, "headers": visit.call.config.auth is not None})


def _figures(visit: Visit) -> dict[str, float]:
    """Each counter and gauge, its labels summed; `_total` is no part of a name."""
    found: dict[str, float] = {}
    for family in visit.host.metrics.registry.collect():
        for sample in family.samples:
            name = sample.name.removesuffix("_total")
            found[name] = found.get(name, 0.0) + sample.value
    return found


def _said(value: float, unit: str) -> str:
    match unit:
        case "bytes":
            return size(int(value))
        case "seconds":
            return duration(value * 1e9)
        case _:
            return number(value)


def _tables(visit: Visit) -> list[tuple[str, str]]:
    """What lies on disk for the tables that people read, and all that is kept beside them for quick reads together."""
    rows = visit.client.query(statement("otel_sessions.queries.sql", "disk")).result_rows
    shown = [(str(table), int(count), int(nbytes)) for table, count, nbytes in rows if table[:1] not in "_."]
    beside = sum(int(nbytes) for table, _, nbytes in rows if table[:1] in "_.")
    said = [(table, f"{count:,} {'row' if count == 1 else 'rows'}, {size(nbytes)}") for table, count, nbytes in shown]
    return [*said, ("sums and indexes", size(beside))]


def _filled(code: str, ports: Mapping[str, str]) -> str:
    for name, value in ports.items():
        code = code.replace("{" + name + "}", value)
    return code


SAMPLES: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "id": "environment",
        "title": "Any OpenTelemetry SDK or Collector",
        "note": "Every SDK reads these; with grpc as the protocol the endpoint is {grpc_url}.",
        "code": "export OTEL_EXPORTER_OTLP_ENDPOINT={http_url}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n"
        "export OTEL_LOGS_EXPORTER=none OTEL_METRICS_EXPORTER=none\n",
    },
    {
        "id": "python",
        "title": "Python",
        "note": "pip install -e . in a clone of otel-sessions; your own OpenTelemetry set-up works as well.",
        "code": (
            "from otel_sessions import configure, observe, session\n\n"
            'configure("shop", endpoint="{http_url}")\n\n'
            "@observe\ndef answer(question):\n    ...\n\n"
            'with session("chat-42", user_id="ada"):\n    answer("Is it in stock?")\n'
        ),
    },
    {
        "id": "javascript",
        "title": "JavaScript",
        "note": "npm install @opentelemetry/sdk-node @opentelemetry/exporter-trace-otlp-proto",
        "code": (
            'import { NodeSDK } from "@opentelemetry/sdk-node";\n'
            'import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";\n\n'
            'new NodeSDK({ traceExporter: new OTLPTraceExporter({ url: "{http_url}/v1/traces" }) }).start();\n'
            '// and on one span of each trace:\nspan.setAttribute("session.id", "chat-42");\n'
        ),
    },
    {
        "id": "go",
        "title": "Go",
        "note": "go get go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc",
        "code": (
            "exporter, err := otlptracegrpc.New(ctx,\n"
            '    otlptracegrpc.WithEndpoint("{grpc}"), otlptracegrpc.WithInsecure())\n'
            "// and on one span of each trace:\n"
            'span.SetAttributes(attribute.String("session.id", "chat-42"))\n'
        ),
    },
    {
        "id": "java",
        "title": "Java",
        "note": "With the OpenTelemetry agent.",
        "code": (
            "java -javaagent:opentelemetry-javaagent.jar \\\n"
            "  -Dotel.exporter.otlp.endpoint={http_url} -jar app.jar\n"
            "// and on one span of each trace:\n"
            'Span.current().setAttribute("session.id", "chat-42");\n'
        ),
    },
    {
        "id": "collector",
        "title": "OpenTelemetry Collector",
        "note": "",
        "code": (
            "exporters:\n  otlp/sessions:\n    endpoint: {grpc}\n    tls: {insecure: true}\n"
            "service:\n  pipelines:\n    traces:\n      exporters: [otlp/sessions]\n"
        ),
    },
    {
        "id": "langfuse",
        "title": "Langfuse SDK",
        "note": "Nothing else changes; any keys are taken where this service asks for none.",
        "code": (
            "export LANGFUSE_BASE_URL={http_url}\nexport LANGFUSE_PUBLIC_KEY=pk-lf-any LANGFUSE_SECRET_KEY=sk-lf-any\n"
        ),
    },
    {
        "id": "claude-code",
        "title": "Claude Code",
        "note": "Its spans carry session.id of themselves.",
        "code": (
            "export CLAUDE_CODE_ENABLE_TELEMETRY=1 CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1\n"
            "export OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n"
            "export OTEL_EXPORTER_OTLP_ENDPOINT={http_url}\n"
        ),
    },
)
