# SPDX-License-Identifier: Apache-2.0
"""The service itself: its state, and how to connect an application to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Final

from otel_sessions._version import __version__
from otel_sessions.extensions.web.pages.format import duration, number, size
from otel_sessions.extensions.web.pages.visit import Shown, Visit
from otel_sessions.queries import deletions, listing
from otel_sessions.queries.rows import select

_COUNTED: Final = (
    ("Received", "otelcol_receiver_accepted_spans", "spans"),
    ("Refused", "otelcol_receiver_refused_spans", "spans"),
    ("Stored", "otelcol_exporter_sent_spans", "spans"),
    ("Set aside", "otel_sessions_quarantined_spans", "spans"),
    ("Without a session", "otel_sessions_spans_without_session", "spans"),
    ("Repeated requests", "otel_sessions_repeated_requests", ""),
    ("Waiting for the session of their trace", "otel_sessions_held_spans", "spans"),
    ("Waiting in the queue", "otelcol_exporter_queue_size", "bytes"),
    ("Oldest not stored", "otel_sessions_oldest_unstored_seconds", "seconds"),
)
_JOBS: Final = 20
_JOBS_OF_NS: Final = 86_400 * 10**9


def status(visit: Visit) -> Shown:
    """`/status`."""
    figures: dict[str, float] = {}  # each counter and gauge, its labels summed
    for family in visit.host.metrics.registry.collect():
        for sample in family.samples:
            name = sample.name.removesuffix("_total")
            figures[name] = figures.get(name, 0.0) + sample.value
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
    since = visit.call.now_ns - _JOBS_OF_NS
    jobs = [  # that delete sessions: those that run, and those of the last day
        {"job": job, "began": _moment(job.created_ns), "from": _moment(job.from_ns), "to": _moment(job.to_ns)}
        for job in deletions.recent(visit.client, project=visit.call.project, since_ns=since, limit=_JOBS)
    ]
    values = {"health": health, "well": all(component["well"] for component in health), "groups": groups, "jobs": jobs}
    return Shown("status.html", {"section": "/status", **values})


def connect(visit: Visit) -> Shown:
    """`/connect`, with the endpoints of this service filled in."""
    ports = visit.otlp
    connected = listing.is_any(visit.client, project=visit.call.project)
    values = {"section": "/connect", "otlp": ports, "samples": samples(ports), "connected": connected}
    return Shown("connect.html", {**values, "headers": visit.call.config.auth is not None})


def _moment(nanoseconds: int | None) -> datetime | None:
    return None if nanoseconds is None else datetime.fromtimestamp(nanoseconds // 1000 / 1e6, UTC)


def _said(value: float, unit: str) -> str:
    """A figure in words: `bytes` and `seconds` with their unit, spans and what has none as a number."""
    match unit:
        case "bytes":
            return size(int(value))
        case "seconds":
            return duration(value * 1e9)
        case _:
            return number(value)


def _tables(visit: Visit) -> list[tuple[str, str]]:
    """What lies on disk for the tables that people read, and all that is kept beside them for quick reads together."""
    rows = select(visit.client, "disk", {})
    shown = [(row["table"], int(row["Rows"]), int(row["Bytes"])) for row in rows if row["table"][:1] not in "_."]
    beside = sum(int(row["Bytes"]) for row in rows if row["table"][:1] in "_.")
    said = [(table, f"{count:,} {'row' if count == 1 else 'rows'}, {size(nbytes)}") for table, count, nbytes in shown]
    return [*said, ("sums and indexes", size(beside))]


def samples(ports: Mapping[str, str]) -> list[dict[str, str]]:
    """`id`, `title`, `note` and `code` of each sample, for the endpoints of `Visit.otlp`."""
    directory = files("otel_sessions.extensions.web") / "samples"
    return [
        {
            "id": id_,
            "title": title,
            "note": _filled(note, ports),
            "code": _filled(directory.joinpath(f"{id_}.txt").read_text(), ports),
        }
        for id_, title, note in SAMPLES
    ]


def _filled(code: str, ports: Mapping[str, str]) -> str:
    for name, value in ports.items():
        code = code.replace("{" + name + "}", value)
    return code


SAMPLES: Final = (
    (
        "environment",
        "Any OpenTelemetry SDK",
        "Every SDK reads these; with grpc as the protocol the endpoint is {grpc_url}.",
    ),
    (
        "python",
        "Python",
        "Run `pip install -e .` in a clone of otel-sessions; your own OpenTelemetry set-up works as well.",
    ),
    (
        "javascript",
        "JavaScript",
        "Save as shop.mjs; `npm install @opentelemetry/api @opentelemetry/sdk-node "
        "@opentelemetry/exporter-trace-otlp-proto`; `node shop.mjs`.",
    ),
    ("go", "Go", "Save as main.go; `go mod init shop`; `go mod tidy`; `OTEL_SERVICE_NAME=shop go run .`"),
    (
        "java",
        "Java",
        "Save as Shop.java beside opentelemetry-javaagent.jar and, in lib, opentelemetry-api.jar, "
        "opentelemetry-context.jar and opentelemetry-common.jar; `javac -cp 'lib/*' Shop.java`; "
        "`OTEL_SERVICE_NAME=shop OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none "
        "OTEL_EXPORTER_OTLP_ENDPOINT={http_url} java -javaagent:opentelemetry-javaagent.jar -cp 'lib/*:.' Shop`. "
        "The agent does not start under `java Shop.java`.",
    ),
    (
        "collector",
        "OpenTelemetry Collector",
        "A whole configuration: applications send to the Collector, on ports of its own, and it sends on to here.",
    ),
    ("langfuse", "Langfuse SDK", "Nothing else changes; any keys are taken where this service asks for none."),
    ("claude-code", "Claude Code", "Its spans carry session.id of themselves."),
)
"""Id, title and how to use it; what to copy is `samples/ID.txt`, with the endpoints of this service in braces."""
