"""The dashboards for Grafana: `python deploy/grafana/dashboards.py` writes them as JSON beside this file.

Queries of sessions stand in `sessions.sql`; those of the service are of the metrics in docs/metrics.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.common import ReduceDataOptions, StackingConfig, VizLegendOptions
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import DataSourceRef, DynamicConfigValue, VariableRefresh

HERE = Path(__file__).parent
CLICKHOUSE = DataSourceRef(type_val="grafana-clickhouse-datasource", uid="clickhouse")
PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
SQL: Mapping[str, str] = dict(
    re.findall(r"^-- (\w+)\n(.+?);$", (HERE / "sessions.sql").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
)
"""The statements, by name."""
SERIES, TABLE = 0, 1


@dataclass
class Sql(Dataquery):
    """A target of the ClickHouse data source, and its own builder; `format` is `SERIES` or `TABLE`."""

    name: str
    format: int

    def build(self) -> Sql:
        return self

    def to_json(self) -> dict[str, object]:
        return {
            "datasource": CLICKHOUSE,
            "editorType": "sql",
            "format": self.format,
            "queryType": "timeseries" if self.format == SERIES else "table",
            "rawSql": SQL[self.name],
            "refId": "A",
        }


def series(title: str, name: str, unit: str, *, bars: bool = False) -> timeseries.Panel:
    panel = timeseries.Panel().title(title).datasource(CLICKHOUSE).unit(unit).with_target(Sql(name, SERIES))
    return drawn(panel, bars=bars)


def drawn(panel: timeseries.Panel, *, bars: bool = False) -> timeseries.Panel:
    """A third of the width; bars are stacked."""
    panel.span(8).height(8).legend(VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM))
    if bars:
        stacked = StackingConfig().mode(common.StackingMode.NORMAL)
        panel.draw_style(common.GraphDrawStyle.BARS).fill_opacity(60).stacking(stacked)
    return panel


def rows(title: str, name: str, units: Mapping[str, str], *, span: int = 8) -> table.Panel:
    """A table; `units` by the name of a column."""
    panel = table.Panel().title(title).datasource(CLICKHOUSE).with_target(Sql(name, TABLE)).span(span).height(10)
    panel.show_header(True)
    for column, unit in units.items():
        panel.override_by_name(column, [DynamicConfigValue("unit", unit)])
    return panel


def rate(title: str, unit: str, *expressions: tuple[str, str], bars: bool = False) -> timeseries.Panel:
    """Of metrics: each an expression and the name of its series."""
    panel = timeseries.Panel().title(title).datasource(PROMETHEUS).unit(unit).min(0)
    for at, (expression, legend) in enumerate(expressions):
        panel.with_target(prometheus.Dataquery().expr(expression).legend_format(legend).ref_id("ABCDEF"[at]))
    return drawn(panel, bars=bars)


def sessions() -> dashboard.Dashboard:
    """What people do: sessions, turns, models, tools, users, cost."""
    overview = stat.Panel().title("Sessions active in this time, whole").datasource(CLICKHOUSE).span(24).height(4)
    overview.reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
    overview.with_target(Sql("overview", TABLE)).override_by_name("Cost", [DynamicConfigValue("unit", "currencyUSD")])
    overview.override_by_name("Tokens", [DynamicConfigValue("unit", "short")])
    dearest = rows("The dearest sessions", "dearest", {"Cost": "currencyUSD", "Duration": "s"}, span=24)
    link = {"title": "Open it", "url": "${web}/sessions/${__value.raw:percentencode}", "targetBlank": True}
    dearest.override_by_name("Session", [DynamicConfigValue("links", [link])])
    return (
        board("Sessions", "otel-sessions", "now-24h")
        .with_variable(
            dashboard.QueryVariable("project")
            .label("Project")
            .datasource(CLICKHOUSE)
            .query(SQL["projects"])
            .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
            .multi(True)
            .include_all(True)
        )
        .with_variable(dashboard.TextBoxVariable("user").label("User"))
        .with_variable(dashboard.TextBoxVariable("web").label("Pages at").default_value("http://localhost:8080"))
        .with_panel(overview)
        .with_panel(series("Sessions started", "started", "short", bars=True))
        .with_panel(series("Turns, and those with an error", "turns", "short", bars=True))
        .with_panel(series("How long a turn takes", "duration", "s"))
        .with_panel(series("Cost by model", "cost", "currencyUSD", bars=True))
        .with_panel(series("Tokens", "tokens", "short", bars=True))
        .with_panel(series("Errors by service", "errors", "short", bars=True))
        .with_panel(dearest)
        .with_panel(rows("Models", "models", {"Cost": "currencyUSD", "Slowest 5 %": "s"}))
        .with_panel(rows("Tools", "tools", {"Slowest 5 %": "s"}))
        .with_panel(rows("Users", "users", {"Cost": "currencyUSD"}))
    )


def service() -> dashboard.Dashboard:
    """What the service does: spans in and out, the log, ClickHouse, the process."""
    of = "sum by (%s) (rate(%s_total[$__rate_interval]))"
    return (
        board("otel-sessions, the service", "otel-sessions-service", "now-3h")
        .with_panel(
            rate(
                "Spans received",
                "cps",
                (of % ("transport", "otelcol_receiver_accepted_spans"), "taken, {{transport}}"),
                (of % ("transport", "otelcol_receiver_refused_spans"), "refused, {{transport}}"),
            )
        )
        .with_panel(rate("Requests refused", "cps", (of % ("code", "otelcol_receiver_refused_requests"), "{{code}}")))
        .with_panel(
            rate(
                "Spans stored",
                "cps",
                (of % ("exporter", "otelcol_exporter_sent_spans"), "stored, {{exporter}}"),
                (of % ("exporter", "otelcol_exporter_send_failed_spans"), "failed, {{exporter}}"),
                (of % ("exporter", "otel_sessions_quarantined_spans"), "set aside, {{exporter}}"),
            )
        )
        .with_panel(
            rate("Waiting longest", "s", ("max by (instance) (otel_sessions_oldest_unstored_seconds)", "{{instance}}"))
        )
        .with_panel(
            rate(
                "Write-ahead log",
                "bytes",
                ("sum by (instance) (otel_sessions_log_bytes)", "{{instance}}"),
                ("min by (instance) (otel_sessions_log_free_bytes)", "free, {{instance}}"),
            )
        )
        .with_panel(
            rate(
                "Attempts that failed",
                "cps",
                (of % ("exporter", "otelcol_exporter_retries"), "tried again, {{exporter}}"),
                (of % ("exporter", "otelcol_exporter_enqueue_failed_spans"), "no room, {{exporter}}"),
            )
        )
        .with_panel(
            rate(
                "Sessions put right later",
                "cps",
                (of % ("exporter", "otel_sessions_moved_traces"), "traces moved"),
                (of % ("processor", "otel_sessions_spans_without_session"), "spans without a session"),
            )
        )
        .with_panel(
            rate(
                "SQL",
                "cps",
                (of % ("extension", "otel_sessions_served_queries"), "answered, {{extension}}"),
                (of % ("code", "otel_sessions_refused_queries"), "error {{code}}"),
            )
        )
        .with_panel(rate("Stored data", "bytes", ("max by (exporter) (otel_sessions_stored_bytes)", "{{exporter}}")))
        .with_panel(
            rate("CPU", "percentunit", ("rate(otelcol_process_cpu_seconds_total[$__rate_interval])", "{{instance}}"))
        )
        .with_panel(rate("Memory", "bytes", ("otelcol_process_memory_rss_bytes", "{{instance}}")))
        .with_panel(rate("Uptime", "s", ("otelcol_process_uptime_seconds_total", "{{instance}}")))
    )


def board(title: str, uid: str, since: str) -> dashboard.Dashboard:
    return (
        dashboard.Dashboard(title).uid(uid).tags(["otel-sessions"]).refresh("1m").time(since, "now").timezone("browser")
    )


DASHBOARDS: Mapping[str, Callable[[], dashboard.Dashboard]] = {"sessions": sessions, "service": service}


def as_json(name: str) -> str:
    """The file of a dashboard."""
    built: Any = DASHBOARDS[name]().build()
    return JSONEncoder(sort_keys=True, indent=2).encode(built) + "\n"


if __name__ == "__main__":
    for each in DASHBOARDS:
        (HERE / f"{each}.json").write_text(as_json(each), encoding="utf-8")
