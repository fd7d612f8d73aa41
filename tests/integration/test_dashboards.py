"""What Grafana and HyperDX send, in their ways of sending it, to a service with a few spans."""

from __future__ import annotations

import json
import re
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from otel_sessions.testing.otlp import START, event, link, request, span
from tests.integration.running import Running

FILES = Path(__file__).parent / "readers"
TRACE = "5" * 32
ATTRIBUTES = {"session.id": "a board", "user.id": "ada"}
MAY_BE_EMPTY = ("data_skipping_indices", "EXPLAIN ESTIMATE", "Timestamp, ServiceName as service")
HYPERDX = {
    "allow_experimental_analyzer": 1,
    "date_time_output_format": "iso",
    "wait_end_of_query": 0,
    "cancel_http_readonly_queries_on_client_close": 1,
    "output_format_json_quote_64bit_integers": 1,
    "query_plan_optimize_lazy_materialization": 1,
    "query_plan_max_limit_for_lazy_materialization": 100000,
    "use_skip_indexes_for_top_k": 1,
    "query_plan_max_limit_for_top_k_optimization": 100000,
    "use_skip_indexes_on_data_read": 1,
    "use_skip_indexes_for_disjunctions": 1,
    "enable_full_text_index": 1,
    "max_rows_to_read": 0,
    "max_rows_to_group_by": 10000000,
    "use_query_cache": 0,
}
VALUES = {
    "database": "otel",
    "table": "otel_traces",
    "databaseText": "otel",
    "tableText": "otel_traces",
    "map": "SpanAttributes",
    "key": "user.id",
    "limit": 1000,
    "from": 0,
    "to": 4000000000000,
    "trace": TRACE,
}


def statements(name: str) -> list[str]:
    text = re.sub(r"^--.*\n", "", (FILES / name).read_text(), flags=re.MULTILINE)
    return [each.strip() for each in text.replace("TRACE", TRACE).split(";\n") if each.strip()]


@pytest.fixture(scope="module")
def sql(service: Running) -> str:
    root = span(
        "chat",
        trace_id=TRACE,
        attributes=ATTRIBUTES,
        end=START + 2_000_000_000,
        events=[event("e")],
        links=[link("6" * 32, "7" * 16)],
    )
    child = span("tool", parent=root, attributes={"user.id": "ada"}, status="Error", message="broken")
    service.send(request(root, child, resource={"service.name": "shop"}))
    return service.endpoints["clickhouse_http"]


def ask(server: str, body: str, headers: dict[str, str], **params: object) -> bytes:
    host, port = server.rsplit(":", 1)
    connection = HTTPConnection(host, int(port), timeout=60)
    try:
        connection.request("POST", f"/?{urlencode(params)}", body.encode(), headers)
        answer = connection.getresponse()
        found = answer.read()
        assert answer.status == 200, found.decode()
        return found
    finally:
        connection.close()


@pytest.mark.parametrize("statement", statements("grafana.sql"), ids=lambda text: text[:60])
def test_grafanas_data_source_is_answered(sql: str, statement: str) -> None:
    sent = {"User-Agent": "clickhouse-go/2.51.0 grafana/12.0", "Accept-Encoding": "gzip"}
    native = {"default_format": "Native", "client_protocol_version": 54460, "database": "otel"}
    assert ask(sql, statement, sent, **native, max_execution_time=60)
    found = json.loads(ask(sql, statement, sent, default_format="JSONCompact", database="otel"))
    assert found["data"], "no row"


def test_a_trace_panel_has_its_spans(sql: str) -> None:
    (panel,) = [each for each in statements("grafana.sql") if "__gf_trace_id" in each]
    rows = json.loads(ask(sql, panel, {}, default_format="JSON"))["data"]
    root, child = sorted(rows, key=lambda row: row["parentSpanID"])
    assert (root["operationName"], root["serviceName"], root["duration"]) == ("chat", "shop", 2000)
    assert {"key": "user.id", "value": "ada"} in root["tags"]
    assert {"key": "service.name", "value": "shop"} in root["serviceTags"]
    assert (child["parentSpanID"], child["statusCode"], child["statusMessage"]) == (root["spanID"], 2, "broken")
    assert [log["name"] for log in root["logs"]] == ["e"]
    assert len(root["references"]) == 1


@pytest.mark.parametrize("statement", statements("hyperdx.sql"), ids=lambda text: text[:60])
def test_hyperdx_is_answered(sql: str, statement: str) -> None:
    values = {f"param_{name}": value for name, value in VALUES.items() if f"{{{name}:" in statement}
    found = ask(sql, f"{statement}\nFORMAT JSON", {}, **HYPERDX, **values)
    if not statement.startswith(MAY_BE_EMPTY) and not any(each in statement for each in MAY_BE_EMPTY):
        assert json.loads(found)["data"], "no row"


def test_what_a_board_filters_is_all_that_it_reads(sql: str) -> None:
    (filtered,) = [each for each in statements("grafana.sql") if "REGEXP" in each]
    found = json.loads(ask(sql, filtered, {}, default_format="JSON"))["data"]
    assert [row["operationName"] for row in found if row["traceID"] == TRACE] == ["chat"]
