"""Rounds over a database go on after one that fails, which the health of their part tells, or whoever asked for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.clickhouse.rounds import Rounds
from otel_sessions.component import Host
from otel_sessions.errors import OtelSessionsError, Retryable
from otel_sessions.telemetry import Metrics
from tests.integration.running import wait_until

NOW_AND_THEN = 0.01
SELDOM = 3600.0


@pytest.fixture
def host() -> Host:
    return Host(Metrics())


@pytest.fixture
def endpoint(clickhouse_endpoint: Endpoint, otel_client: Client) -> Endpoint:
    return clickhouse_endpoint


@pytest.fixture
def stopping() -> Iterator[list[Rounds]]:
    made: list[Rounds] = []
    yield made
    for each in made:
        each.shutdown(10)


def test_a_round_that_fails_is_told_by_the_health_of_its_part_until_one_succeeds(
    endpoint: Endpoint, host: Host, stopping: list[Rounds]
) -> None:
    failing = True
    looks = 0

    def act(client: Client) -> bool:
        nonlocal looks
        looks += 1
        if failing:
            raise Retryable("away")
        return client.command("SELECT 1") != 1

    rounds = Rounds("ch", "looking", endpoint, host, interval_s=NOW_AND_THEN, act=act, part="retention", at_once=True)
    stopping.append(rounds)
    rounds.start()
    rounds.start()  # again, as whoever connects anew does
    wait_until(lambda: host.health().get("ch/retention") == "away")
    wait_until(lambda: looks > 1)
    failing = False
    wait_until(lambda: host.health().get("ch/retention", "") is None)


def test_what_is_asked_for_at_once_does_not_wait_and_goes_on_while_there_is_more(
    endpoint: Endpoint, host: Host, stopping: list[Rounds]
) -> None:
    left = [3, 2, 1]

    def act(client: Client) -> bool:
        left.pop()
        return bool(left)

    rounds = Rounds("ch", "looking", endpoint, host, interval_s=SELDOM, act=act, at_once=True)
    stopping.append(rounds)
    rounds.start()
    wait_until(lambda: not left)


def test_a_failure_goes_to_who_asked_for_it_instead(endpoint: Endpoint, host: Host, stopping: list[Rounds]) -> None:
    told: list[OtelSessionsError] = []

    def act(client: Client) -> bool:
        raise Retryable("away")

    rounds = Rounds("ch", "looking", endpoint, host, interval_s=SELDOM, act=act, failed=told.append, at_once=True)
    stopping.append(rounds)
    rounds.start()
    wait_until(lambda: told)
    assert "ch/clickhouse" not in host.health()
