"""The dashboards under `deploy/grafana`: what the code builds, and queries that run where Grafana runs them."""

from __future__ import annotations

import json
import re
import runpy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otel_sessions.pdata import decode
from otel_sessions.telemetry import Metrics
from tests import installing
from tests.demo.playing import play
from tests.integration.readers import programs
from tests.integration.running import ANSWER_S, Directory, Running, config, wait_until

GRAFANA = Path(__file__).parents[2] / "deploy/grafana"
VARIABLES = {"${project:singlequote}": "'default'", "${user:sqlstring}": "''"}


def panels(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((GRAFANA / f"{name}.json").read_text())["panels"]
    return found


def expanded(statement: str) -> str:
    """As the data source fills its macros in, for the last hour in steps of a minute."""
    now = int(time.time()) + 60
    start, end = (f"toDateTime({moment})" for moment in (now - 3600, now))
    text = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 >= {start} AND \1 <= {end}", statement)
    text = re.sub(r"\$__timeInterval\((\w+)\)", r"toStartOfInterval(toDateTime(\1), INTERVAL 60 second)", text)
    text = text.replace("$__fromTime", start).replace("$__toTime", end)
    for variable, value in VARIABLES.items():
        text = text.replace(variable, value)
    assert "$" not in text
    return text


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with the demo's sessions."""
    directory = Directory(tmp_path_factory.mktemp("grafana"))
    running = directory.start(config(directory.data()))
    bodies = play("chat").bodies
    for body in bodies:
        running.send(body)
    sent = len(decode(bodies, ["default"] * len(bodies)).batch["TraceId"])
    wait_until(
        lambda: running.sql("SELECT count() FROM session_spans")[0][0], ANSWER_S, lambda count: int(count) == sent
    )
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize("name", ["sessions", "service"])
def test_the_file_of_a_dashboard_is_what_its_code_builds(name: str) -> None:
    assert (GRAFANA / f"{name}.json").read_text() == runpy.run_path(str(GRAFANA / "dashboards.py"))["as_json"](name), (
        "run deploy/grafana/dashboards.py"
    )


def test_every_query_of_sessions_has_an_answer_over_http(demo: Running) -> None:
    for panel in panels("sessions"):
        (target,) = panel["targets"]
        assert demo.sql(expanded(target["rawSql"])), panel["title"]


def test_figures_of_the_dashboard_are_those_of_the_demo(demo: Running) -> None:
    statements = {panel["title"]: expanded(panel["targets"][0]["rawSql"]) for panel in panels("sessions")}
    overview = demo.sql(statements["Sessions active in this time, whole"])[0]
    assert [float(value) for value in overview[:3]] == [5, 20, 5]
    by_model = demo.sql(statements["Cost by model"])
    assert sum(row[2] for row in by_model) == pytest.approx(overview[5])
    assert sum(row[3] for row in demo.sql(statements["Models"])) == pytest.approx(overview[5])
    assert sum(row[4] for row in demo.sql(statements["Users"])) == pytest.approx(overview[5])


@pytest.mark.timeout(installing.TEST_S)
def test_every_query_runs_through_the_library_of_grafanas_data_source(
    request: pytest.FixtureRequest, demo: Running
) -> None:
    directory = Path(request.config.cache.mkdir("reader-go-latest"))
    command = [*programs.go(directory, "latest"), demo.endpoints["clickhouse_http"], "-"]
    variables = json.loads((GRAFANA / "sessions.json").read_text())["templating"]["list"]
    asked = [variable["query"] for variable in variables if variable["type"] == "query"]
    asked += [target["rawSql"] for panel in panels("sessions") for target in panel["targets"]]
    found = json.loads(installing.run(command, sent=json.dumps([expanded(each) for each in asked])))
    assert len(found) == len(asked)
    for statement, answer in zip(asked, found, strict=True):
        assert answer.get("Rows", 0) > 0, (statement, answer)
        if "$__timeInterval" in statement:
            assert answer["Columns"][0] == "time"


def test_the_dashboard_of_the_service_asks_for_metrics_that_there_are() -> None:
    metrics = Metrics().registry.collect()
    names = {metric.name + ("_total" if metric.type == "counter" else "") for metric in metrics}
    asked = [target["expr"] for panel in panels("service") for target in panel["targets"]]
    used = {name for text in asked for name in re.findall(r"\b(otel\w+)", text)}
    assert used
    assert used - names == set()
