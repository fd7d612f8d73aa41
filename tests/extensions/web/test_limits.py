"""What a query may take, and what is answered where that is not enough."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import ComponentId, Host
from otel_sessions.errors import Retryable
from otel_sessions.extensions.web import server
from otel_sessions.extensions.web.config import Config
from otel_sessions.telemetry import Metrics
from tests.extensions.web.conftest import Api, ByHeader, span, started


@pytest.mark.parametrize(
    ("settings", "limit", "narrower"),
    [
        ({"max_rows_to_read": 1}, "rows", "window"),
        ({"max_memory_usage": 1 << 16}, "memory", "page"),
        ({"max_execution_time": 0.001}, "time", "window"),
    ],
)
def test_a_query_that_takes_too_much_is_told_what_of(
    api: Api, web_host: Host, otel_client: Client, settings: dict[str, Any], limit: str, narrower: str
) -> None:
    api.store(*(span(f"s{number}", number) for number in range(1, 9)))
    narrow = started(web_host, **settings)
    try:
        reader = Api(narrow.endpoints["web"], api.project, otel_client)
        for path in ("/sessions", "/sessions/s1/turns", "/metrics?group_by=model", "/facets?field=user"):
            answer = reader.call("GET", path)
            assert (answer.status, answer.json["limit"]) == (422, limit), path
            assert limit in answer.json["detail"]
            assert narrower in answer.json["detail"]
    finally:
        narrow.shutdown(5)


@pytest.mark.parametrize(("endpoint", "status"), [(None, 501), (Endpoint.parse("http://127.0.0.1:1/otel"), 503)])
def test_without_clickhouse_the_answer_says_so(otel_client: Client, endpoint: Endpoint | None, status: int) -> None:
    alone = started(Host(Metrics(), endpoint, authenticators={ComponentId("tests"): ByHeader()}))
    try:
        api = Api(alone.endpoints["web"], "default", otel_client)
        for path in ("/sessions", "/sessions/s/export", "/sessions/s/events", "/metrics"):
            answer = api.call("GET", path)
            assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
        assert status == 501 or int(answer.headers["retry-after"]) >= 1
    finally:
        alone.shutdown(5)


def test_exports_beyond_those_that_may_run_are_told_to_come_back_and_room_returns(
    web_host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_STREAMS", 1)

    def pieces(client: Client) -> Iterator[bytes]:
        yield from (b"a", b"b")

    async def exports() -> None:
        ours = server.store_of(Config(), web_host.clickhouse)
        first = ours.stream(pieces)
        assert await anext(first) == b"a"
        with pytest.raises(Retryable, match="under way"):
            ours.stream(pieces)
        assert [piece async for piece in first] == [b"b"]
        assert [piece async for piece in ours.stream(pieces)] == [b"a", b"b"]
        ours.close()

    asyncio.run(exports())
