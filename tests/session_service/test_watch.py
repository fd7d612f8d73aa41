"""`WatchSession`: turns as they arrive, and calls that keep others from nothing."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import grpc
import pytest
from clickhouse_connect.driver.client import Client
from google.rpc.error_details_pb2 import BadRequest, RetryInfo

from otel_sessions import session_service
from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import ComponentId, Host
from otel_sessions.receivers.otlp import factory
from otel_sessions.session_service import service as module
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.consumers import RecordingConsumer
from tests.extensions.web.conftest import Api, ByHeader, span
from tests.integration.running import wait_until
from tests.receivers.conftest import BODY, EXPORT
from tests.session_service.conftest import Sessions
from tests.session_service.test_reads import detail_of


def trace(answer: Any) -> int:
    return int(answer.trace.trace_id, 16)


def test_turns_come_as_they_arrive_and_go_on_where_a_call_broke(stored: Api, service: Sessions) -> None:
    stored.store(span("s", 1, start=5))
    watching = service.watch(session_id="s", from_start=True)
    assert trace(next(watching)) == 1
    stored.store(span("s", 2, start=20))
    second = next(watching)
    assert trace(second) == 2
    watching.cancel()
    stored.store(span("s", 3, start=1), span("s", 4, start=30), span("s", 2, number=2, start=21))
    watching = service.watch(session_id="s", last_event_id=second.id)
    found = [next(watching) for _ in range(3)]
    assert [trace(each) for each in found] == [3, 2, 4]
    assert found[1].trace.span_count == 2
    watching.cancel()


def test_without_an_id_only_what_comes_from_now_on_is_told(stored: Api, service: Sessions) -> None:
    stored.store(span("s", 1, start=5))
    watching = service.watch(session_id="s")
    watching.initial_metadata()  # it has looked
    stored.store(span("s", 2, start=20))
    assert trace(next(watching)) == 2
    watching.cancel()


def test_a_session_or_an_id_that_is_not_there_is_refused(stored: Api, service: Sessions) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        next(service.watch(session_id="nobody"))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    stored.store(span("s", 1))
    with pytest.raises(grpc.RpcError) as caught:
        next(service.watch(session_id="s", last_event_id="x"))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert detail_of(caught.value, BadRequest).field_violations[0].field == "last_event_id"


@pytest.mark.usefixtures("otel_client")
def test_watchers_take_no_threads_of_others_and_end_when_the_service_stops(
    clickhouse_endpoint: Endpoint, otel_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WATCHERS", 3)
    host = Host(
        Metrics(),
        clickhouse_endpoint,
        grpc_mounts=[partial(session_service.mount, clickhouse_endpoint)],
        authenticators={ComponentId("tests"): ByHeader()},
    )
    settings = {"protocols": {"grpc": {"endpoint": "127.0.0.1:0", "auth": {"authenticator": "tests"}}}}
    receiver = factory.create(ComponentId("otlp"), factory.config.model_validate(settings), host, RecordingConsumer())
    receiver.start()
    project = "watched"
    Api("", project, otel_client).store(span("s", 1))
    with grpc.insecure_channel(receiver.endpoints["otlp/grpc"]) as channel:
        service = Sessions(channel, project)
        watching = [service.watch(session_id="s", from_start=True) for _ in range(3)]
        assert [trace(next(each)) for each in watching] == [1, 1, 1]
        with pytest.raises(grpc.RpcError) as caught:
            next(service.watch(session_id="s"))
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        assert detail_of(caught.value, RetryInfo).retry_delay.ToSeconds() == 1
        sent = channel.unary_unary(EXPORT)(BODY, timeout=60, metadata=[("x-project", project)])
        assert sent == b""
        assert service.call("GetSession", session_id="s").trace_count == 1
        watching.pop().cancel()
        wait_until(lambda: _told(service.watch(session_id="s", from_start=True)))
        began = time.monotonic()
        receiver.shutdown(60)
        assert time.monotonic() - began < 30
        with pytest.raises(grpc.RpcError) as caught:
            next(watching[0])
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def _told(call: Any) -> bool:
    try:
        return trace(next(call)) == 1
    except grpc.RpcError:
        return False
