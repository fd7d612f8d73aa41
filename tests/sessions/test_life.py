"""When a session is idle: said by the configuration of the exporter, followed by whatever reads sessions."""

from __future__ import annotations

import time
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from pydantic import ValidationError

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import ComponentId, Host
from otel_sessions.exporters.clickhouse import factory
from otel_sessions.exporters.clickhouse.config import ClickHouseConfig
from otel_sessions.queries.filters import Filter
from otel_sessions.queries.listing import Wanted, list_sessions
from otel_sessions.telemetry import Metrics
from tests.extensions.test_webhook import store
from tests.integration.delivery import new_project


def start_exporter(endpoint: Endpoint, **settings: Any) -> None:
    """An exporter that starts and ends, as with another configuration after a restart."""
    config = ClickHouseConfig.model_validate({"endpoint": str(endpoint), **settings})
    exporter = factory.create(ComponentId("clickhouse"), config, Host(Metrics(), endpoint))
    exporter.start()
    exporter.shutdown(10)


def test_sessions_are_idle_after_what_the_configuration_says_of_their_project(
    otel_client: Client, clickhouse_endpoint: Endpoint
) -> None:
    quick, slow = new_project(), new_project()
    for project in (quick, slow):
        for ago_min in (1, 10, 45):
            store(otel_client, project, f"{ago_min} ago", ago_min=ago_min)

    def active(project: str) -> list[tuple[str, str]]:
        """(id, state) of what `is:active` chooses; the others are idle."""
        shown = {
            query: list_sessions(otel_client, Wanted(project, Filter(query=query)), now_ns=time.time_ns()).rows
            for query in ("is:active", "-is:active")
        }
        assert {row["State"] for row in shown["-is:active"]} <= {"idle"}
        assert sum(map(len, shown.values())) == 3
        return [(row["SessionId"], row["State"]) for row in shown["is:active"]]

    start_exporter(clickhouse_endpoint, idle_after_of={quick: "5m", slow: "2h"})
    assert active(quick) == [("1 ago", "active")]
    assert active(slow) == [(f"{ago_min} ago", "active") for ago_min in (1, 10, 45)]
    start_exporter(clickhouse_endpoint, idle_after="1h", idle_after_of={quick: "5m"})
    assert active(quick) == [("1 ago", "active")]
    assert active(slow) == [(f"{ago_min} ago", "active") for ago_min in (1, 10, 45)]
    start_exporter(clickhouse_endpoint)
    assert active(slow) == active(quick) == [("1 ago", "active"), ("10 ago", "active")]


@pytest.mark.parametrize("settings", [{"idle_after": "30s"}, {"idle_after_of": {"shop": "25h"}}])
def test_a_session_is_idle_after_a_minute_at_least_and_a_day_at_most(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="than or equal to"):
        ClickHouseConfig.model_validate(settings)
