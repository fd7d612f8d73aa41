"""The receiver `otlp` over gRPC, as its clients see it. Codes are those of docs/otlp-checklist.md."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from pydantic import ValidationError

from otel_sessions.component import ComponentId, Host, Outcome, Request
from otel_sessions.errors import ConfigError, InvalidData, Permanent, Retryable, SchemaError, TooLarge
from otel_sessions.footprint import RECEIVED_BYTES
from otel_sessions.pdata import decode
from otel_sessions.receivers.otlp import accounting, factory, grpc_export, grpc_slots
from otel_sessions.receivers.otlp import grpc as grpc_receiver
from otel_sessions.receivers.otlp.config import GrpcSettings, OtlpSettings
from otel_sessions.receivers.otlp.grpc import options
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.consumers import FullConsumer, RecordingConsumer
from otel_sessions.testing.otlp import request, span
from tests.integration.running import wait_until
from tests.logged import told_by, unexpected

from .conftest import BODY, MIB, UNKNOWN, Running, Start, peak_rss_mib, reachable, retry_delay_of

Code = grpc.StatusCode


def failure(start: Start, error: Exception) -> grpc.RpcError:
    running = start(RecordingConsumer(lambda _: error))
    with pytest.raises(grpc.RpcError) as raised:
        running.call(BODY)
    return raised.value


def retry_delay(error: grpc.RpcError) -> float | None:
    return retry_delay_of(rpc_status.from_call(error))


@pytest.mark.parametrize("compression", list(grpc.Compression))
def test_A1_none_gzip_and_deflate_arrive_as_the_same_bytes(start, consumer, compression):
    start(consumer).call(BODY, compression=compression)
    assert consumer.requests == [Request(BODY)]


@pytest.mark.parametrize("compression", list(grpc.Compression))
def test_A2_G2_a_message_over_the_cap_is_refused_for_good_and_its_neighbours_are_unharmed(start, consumer, compression):
    running = start(consumer, max_recv_msg_size_mib=1)
    for _ in range(5):
        running.call(BODY)
        with pytest.raises(grpc.RpcError) as raised:
            running.call(bytes(4 * MIB), compression=compression)
        assert raised.value.code() is Code.RESOURCE_EXHAUSTED
        assert retry_delay(raised.value) is None
    running.call(bytes(MIB), compression=compression)
    wait_until(
        lambda: running.sample("otelcol_receiver_refused_requests_total", code="RESOURCE_EXHAUSTED") == 5,
    )
    assert [len(body) for body in consumer.bodies] == [len(BODY)] * 5 + [MIB]


def test_A2_a_gzip_bomb_does_not_inflate_past_the_cap(start, consumer):
    running = start(consumer)
    before = peak_rss_mib()
    with pytest.raises(grpc.RpcError) as raised:
        running.call(bytes(100 * MIB), compression=grpc.Compression.Gzip)
    assert raised.value.code() is Code.RESOURCE_EXHAUSTED
    # The client's own 100 MiB and what the server inflated before it stopped are in this process.
    assert peak_rss_mib() - before < 100 + 64 + 64
    assert not consumer.requests


def test_A4_an_empty_request_succeeds(start, consumer):
    assert start(consumer).call(b"") == b""
    assert consumer.bodies == [b""]


def test_A5_full_success_leaves_partial_success_unset(start):
    answer = ExportTraceServiceResponse.FromString(start().call(BODY))
    assert not answer.HasField("partial_success")


@pytest.mark.parametrize(
    ("outcome", "rejected", "message"),
    [
        (Outcome(1, 2, "2 spans without a trace id"), 2, "2 spans without a trace id"),
        (Outcome(3, 0, "session.id too long"), 0, "session.id too long"),
        (Outcome(1, 1), 1, "1 spans were rejected"),
    ],
)
def test_A6_rejected_spans_and_warnings_are_a_partial_success(start, outcome, rejected, message):
    running = start(RecordingConsumer(lambda _: outcome))
    answer = ExportTraceServiceResponse.FromString(running.call(BODY))
    assert answer.partial_success.rejected_spans == rejected
    assert answer.partial_success.error_message == message


def test_A7_unknown_fields_are_ignored_and_the_same_again_is_taken(start, consumer):
    running = start(consumer)
    assert [running.call(BODY + UNKNOWN) for _ in range(2)] == [b"", b""]
    known = decode([BODY], ["p"]).batch.record
    assert [decode([sent], ["p"]).batch.record.equals(known) for sent in consumer.bodies] == [True] * 2


def test_G1_concurrent_calls_each_get_their_own_outcome(start):
    running = start(RecordingConsumer(lambda r: Outcome(0, len(r.body), "")))
    stub = running.channel().unary_unary(grpc_export.METHOD)

    def send(size: int) -> bool:
        answer = ExportTraceServiceResponse.FromString(stub(bytes(size), timeout=30))
        return answer.partial_success.rejected_spans == size

    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(send, range(1, 1000)))


def test_G1_calls_in_line_wait_for_a_worker_and_health_checks_do_not(start, consumer):
    consumer.hold()
    running = start(consumer)
    stub = running.channel().unary_unary(grpc_export.METHOD)
    calls = [stub.future(BODY, timeout=30) for _ in range(grpc_slots.WORKERS + 50)]
    consumer.wait_for(grpc_slots.WORKERS)
    health = health_pb2_grpc.HealthStub(running.channel())
    assert health.Check(health_pb2.HealthCheckRequest(), timeout=60).status == health_pb2.HealthCheckResponse.SERVING
    consumer.release()
    assert [call.result() for call in calls] == [b""] * len(calls)


def test_calls_that_wait_for_their_outcome_have_no_thread_each(start, consumer):
    running = start(consumer)
    stub = running.channel().unary_unary(grpc_export.METHOD)
    stub(BODY, timeout=60)
    threads = threading.active_count()
    consumer.hold()
    calls = [stub.future(BODY, timeout=30) for _ in range(50)]
    consumer.wait_for(51)
    assert threading.active_count() <= threads + 2
    consumer.release()
    assert [call.result() for call in calls] == [b""] * 50


@pytest.mark.parametrize("size", [grpc_export.LARGE_BYTES - 1, grpc_export.LARGE_BYTES])
def test_large_bodies_and_small_ones_are_answered_alike(start, size):
    running = start(RecordingConsumer(lambda r: InvalidData("no") if r.body[0] else Outcome(1, 0, "")))
    assert running.call(bytes(size)) == b""
    with pytest.raises(grpc.RpcError) as raised:
        running.call(b"\1" * size)
    assert raised.value.code() is Code.INVALID_ARGUMENT


def test_G3_calls_beyond_the_bound_are_told_to_come_back(start, consumer, monkeypatch):
    monkeypatch.setattr(grpc_export, "OPEN_CALLS", 3)
    consumer.hold()
    running = start(consumer)
    stub = running.channel().unary_unary(grpc_export.METHOD)
    calls = [stub.future(BODY, timeout=30) for _ in range(3)]
    consumer.wait_for(3)
    with pytest.raises(grpc.RpcError) as raised:
        running.call(BODY)
    assert raised.value.code() is Code.UNAVAILABLE
    assert retry_delay(raised.value) == 1.0
    consumer.release()
    assert [call.result() for call in calls] == [b""] * 3
    assert running.call(BODY) == b""


@pytest.mark.parametrize("at_once", [True, False])
def test_G3_overload_is_UNAVAILABLE_with_RetryInfo(start, at_once):
    error = Retryable("the queue is full", retry_after=2.5)
    running = start(FullConsumer(error) if at_once else RecordingConsumer(lambda _: error))
    with pytest.raises(grpc.RpcError) as raised:
        running.call(BODY)
    assert raised.value.code() is Code.UNAVAILABLE
    assert raised.value.details() == "the queue is full"
    assert retry_delay(raised.value) == 2.5
    assert running.sample("otelcol_receiver_refused_requests_total", code="UNAVAILABLE") == 1


def test_G4_bad_data_is_INVALID_ARGUMENT_with_BadRequest(start):
    error = failure(start, InvalidData("truncated at byte 7"))
    status = rpc_status.from_call(error)
    detail = BadRequest()
    assert error.code() is Code.INVALID_ARGUMENT
    assert status is not None
    assert status.details[0].Unpack(detail)
    assert detail.field_violations[0].description == "truncated at byte 7"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TooLarge("too large"), Code.RESOURCE_EXHAUSTED),
        (SchemaError("run `otel-sessions migrate`"), Code.INTERNAL),
        (Permanent(""), Code.INTERNAL),
        (InvalidData("ü\n" * 10_000), Code.INVALID_ARGUMENT),
        (Retryable("ü\0\n" * 10_000), Code.UNAVAILABLE),
        (Retryable("\udc80", retry_after=float("inf")), Code.UNAVAILABLE),
        (Retryable("later", retry_after=-1.0), Code.UNAVAILABLE),
    ],
)
def test_G5_a_known_error_keeps_its_code(start, error, code):
    raised = failure(start, error)
    assert raised.code() is code
    assert raised.details()
    assert (retry_delay(raised) is None) == (code is not Code.UNAVAILABLE)


@pytest.mark.parametrize("at_once", [True, False])
def test_G5_an_unexpected_error_is_logged_and_the_client_comes_back(start, caplog, at_once):
    error = ZeroDivisionError("secret detail")
    running = start(FullConsumer(error) if at_once else RecordingConsumer(lambda _: error))
    with pytest.raises(grpc.RpcError) as raised:
        running.call(BODY)
    assert raised.value.code() is Code.UNAVAILABLE
    assert "secret" not in raised.value.details()
    assert retry_delay(raised.value) == 5.0
    assert "ZeroDivisionError: secret detail" in caplog.text


def test_G5_an_outcome_that_cannot_be_written_is_not_UNKNOWN(start):
    with pytest.raises(grpc.RpcError) as raised:
        start(RecordingConsumer(lambda _: Outcome(0, 1, "\udc80"))).call(BODY)
    assert raised.value.code() is Code.UNAVAILABLE


def test_G5_a_cancelled_future_is_not_UNKNOWN(start):
    class Cancelling:
        def consume(self, request: Request) -> Future[Outcome]:
            future: Future[Outcome] = Future()
            future.cancel()
            return future

    with pytest.raises(grpc.RpcError) as raised:
        start(Cancelling()).call(BODY)
    assert raised.value.code() is Code.UNAVAILABLE


def test_a_call_without_a_message_is_refused(start, consumer):
    running = start(consumer)
    with pytest.raises(grpc.RpcError) as raised:
        running.channel().stream_unary(grpc_export.METHOD)(iter(()), timeout=30)
    assert raised.value.code() is Code.INVALID_ARGUMENT
    wait_until(lambda: refused(running) == {"INVALID_ARGUMENT": 1})
    assert not consumer.requests


def refused(running: Running) -> dict[str, float]:
    """How many calls were refused, by the code that they count as."""
    codes = ("CANCELLED", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "UNAVAILABLE")
    counts = {code: running.sample("otelcol_receiver_refused_requests_total", code=code) for code in codes}
    return {code: count for code, count in counts.items() if count}


def test_clients_that_go_before_their_message_is_there_count_as_CANCELLED_wherever_their_call_was(start, caplog):
    running = start()
    messages = running.receiver._servers[0]._messages
    with Mute(running, grpc_export.METHOD, 3) as mute:
        wait_until(lambda: len(messages._placed) == grpc_slots.FEW and len(messages._in_line) == 1)
        for call in mute.calls:
            call.cancel()
        wait_until(lambda: refused(running) == {"CANCELLED": 3})
    assert not [record for record in caplog.records if record.name == "otel_sessions.refused"], "they know it"


def test_a_call_that_is_ended_for_its_silence_is_told_as_that(start, caplog, monkeypatch):
    monkeypatch.setattr(grpc_slots, "READ_TIMEOUT_S", 0.0)
    running = start()
    with Mute(running, grpc_export.METHOD, 1) as mute:
        assert mute.calls[0].code() is Code.CANCELLED
        wait_until(lambda: refused(running) == {"CANCELLED": 1})
    (line,) = [record.message for record in caplog.records if record.name == "otel_sessions.refused"]
    assert "CANCELLED its message did not come in time; the sender is told to come back" in line


def test_a_client_whose_deadline_passes_frees_its_worker_and_its_spans_stay(start, consumer, caplog):
    consumer.hold()
    running = start(consumer)
    stub = running.channel().unary_unary(grpc_export.METHOD)
    calls = [stub.future(BODY, timeout=1.0) for _ in range(grpc_slots.WORKERS)]
    assert {call.code() for call in calls} == {Code.DEADLINE_EXCEEDED}
    last = request(span("late")).SerializeToString()
    late = stub.future(last, timeout=60)
    wait_until(lambda: last in consumer.bodies)
    consumer.release()
    assert late.result() == b""
    wait_until(lambda: running.sample("otelcol_receiver_accepted_spans_total") == len(consumer.bodies) > 1)
    assert not unexpected(caplog)


def test_a_client_that_cancels_does_no_harm(start, consumer, caplog):
    consumer.hold()
    running = start(consumer)
    stub = running.channel().unary_unary(grpc_export.METHOD)
    for number in range(1, 30):
        call = stub.future(BODY)
        consumer.wait_for(number)
        call.cancel()
    consumer.release()
    assert running.call(BODY) == b""
    assert not unexpected(caplog)


class Mute:
    """Calls that send their headers and no message, until the block ends."""

    def __init__(self, running: Running, method: str, calls: int) -> None:
        self._over = threading.Event()
        stub = running.channel().stream_unary(method)
        self.calls = [stub.future(self._silence(), timeout=300) for _ in range(calls)]

    def __enter__(self) -> Mute:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _silence(self) -> Iterator[bytes]:
        self._over.wait()
        yield from ()


def wait_for_readers(running: Running) -> None:
    """Returns when as many messages are waited for as may be until these are found to be slow."""
    messages = running.receiver._servers[0]._messages
    wait_until(lambda: len(messages._placed) >= grpc_slots.FEW)


@pytest.fixture
def little(monkeypatch):
    """What tests keep in memory is not the service's."""
    monkeypatch.setattr(grpc_slots, "resident", lambda: 0)


MUTE = {
    grpc_export.METHOD: grpc_slots.READING + 8,
    "/grpc.health.v1.Health/Check": 20,
    "/grpc.health.v1.Health/Watch": 20,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": 20,
}


@pytest.mark.parametrize("method", MUTE)
def test_calls_that_send_no_message_are_ended_and_their_clients_may_come_back(start, monkeypatch, little, method):
    monkeypatch.setattr(grpc_slots, "READ_TIMEOUT_S", 0.5)
    monkeypatch.setattr(grpc_slots, "CROWDED_S", 0.5)
    running = start()
    with Mute(running, method, MUTE[method]) as mute:
        assert {call.code() for call in mute.calls} == {Code.CANCELLED}, "one that a client retries"
        assert running.call(BODY) == b""
        health_checks = health_pb2_grpc.HealthStub(running.channel())
        assert health_checks.Check(health_pb2.HealthCheckRequest(), timeout=60).status
        assert ProtoReflectionDescriptorDatabase(running.channel()).get_services()


@pytest.mark.parametrize("calls", [grpc_slots.READING, grpc_slots.WORKERS + 32])
def test_calls_that_send_no_message_do_not_keep_others_waiting(start, monkeypatch, little, calls):
    monkeypatch.setattr(grpc_slots, "GREEDY_S", 0.2)
    monkeypatch.setattr(grpc_slots, "SOON_S", 0.2)  # two at a time wait so long at first, of so many
    running = start()
    with Mute(running, grpc_export.METHOD, calls):
        wait_for_readers(running)
        assert running.channel().unary_unary(grpc_export.METHOD)(BODY, timeout=60) == b""


def test_one_silent_call_of_each_of_many_clients_does_not_keep_others_waiting(start, monkeypatch, little):
    monkeypatch.setattr(grpc_slots, "CROWDED_S", 0.4)
    monkeypatch.setattr(grpc_slots, "EXPECTED_BYTES", grpc_slots.SLOW_BYTES)
    running = start()
    with ExitStack() as clients:
        mute = [clients.enter_context(Mute(running, grpc_export.METHOD, 1)) for _ in range(grpc_slots.READING)]
        wait_until(lambda: len(running.receiver._servers[0]._messages._placed) == grpc_slots.READING)
        began = time.monotonic()
        assert running.call(BODY, timeout=60) == b""
        wait_until(lambda: any(each.calls[0].done() for each in mute))
        time.sleep(0.5)
        ended = sum(each.calls[0].done() for each in mute)
        assert ended <= (time.monotonic() - began) / 0.4 + 1, "not all of them at once: one stands in line"


def test_a_burst_of_large_messages_after_small_ones_is_read_as_far_as_there_is_room(start, consumer, little):
    running = start(consumer)
    stubs = [running.channel().unary_unary(grpc_export.METHOD) for _ in range(8)]
    for stub in stubs * 5:
        stub(BODY, timeout=60)
    consumer.hold()
    calls = [stub.future(bytes(20 * MIB), timeout=120) for stub in stubs]
    consumer.wait_for(len(stubs) * 5 + 2)
    time.sleep(0.5)
    assert sum(map(len, consumer.bodies)) < RECEIVED_BYTES
    consumer.release()
    assert {call.result() for call in calls} == {b""}


def test_connections_beyond_the_bound_are_told_to_come_back_and_one_that_goes_makes_room(start, monkeypatch):
    monkeypatch.setattr(grpc_receiver, "MAX_CONNECTIONS", 2)
    running = start()
    first, second, third = (running.channel() for _ in range(3))
    for channel in (first, second):
        channel.unary_unary(grpc_export.METHOD)(BODY, timeout=60)
    with pytest.raises(grpc.RpcError) as raised:
        third.unary_unary(grpc_export.METHOD)(BODY, timeout=60)
    assert raised.value.code() is Code.UNAVAILABLE
    first.close()
    assert third.unary_unary(grpc_export.METHOD)(BODY, timeout=60, wait_for_ready=True) == b""


class _Heap(ctypes.Structure):
    """`struct mallinfo2`."""

    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "a", "b", "c", "mapped", "d", "e", "used", "free", "f")]


def heap_bytes() -> int:
    """What this process has from malloc and not given back."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        pytest.skip("only glibc counts it")
    libc.mallinfo2.restype = _Heap
    found = libc.mallinfo2()
    return found.used + found.mapped


def test_a_connection_that_has_sent_something_large_keeps_little_ready_for_the_next(start, consumer):
    """gRPC's core keeps as much as ever came at once, unless it is told otherwise: half a megabyte each of these."""
    running, count = start(consumer), 24
    running.call(BODY)
    stubs = [running.channel().unary_unary(grpc_export.METHOD) for _ in range(count)]
    for stub in stubs:
        stub(BODY, timeout=60)
    before = heap_bytes()
    for stub in stubs:
        stub(bytes(5 * MIB), timeout=60)
    consumer.requests.clear()
    wait_until(lambda: not running.receiver._servers[0]._messages._working)
    assert (heap_bytes() - before) / count < 160 << 10


def test_health_checks_without_a_message_do_not_keep_others_waiting(start, monkeypatch):
    monkeypatch.setattr(grpc_slots, "CROWDED_S", 0.4)
    running = start()
    with Mute(running, "/grpc.health.v1.Health/Check", 8):
        time.sleep(0.2)
        checks = health_pb2_grpc.HealthStub(running.channel())
        assert checks.Check(health_pb2.HealthCheckRequest(), timeout=60).status


def test_a_call_that_waits_for_its_outcome_is_not_ended(start, consumer, monkeypatch):
    monkeypatch.setattr(grpc_slots, "CROWDED_S", 0.2)
    monkeypatch.setattr(grpc_slots, "READ_TIMEOUT_S", 0.2)
    consumer.hold()
    running = start(consumer)
    call = running.channel().unary_unary(grpc_export.METHOD).future(BODY, timeout=30)
    consumer.wait_for(1)
    time.sleep(0.5)
    consumer.release()
    assert call.result() == b""


def test_a_health_check_without_a_message_is_refused(start):
    with pytest.raises(grpc.RpcError) as raised:
        start().channel().stream_unary("/grpc.health.v1.Health/Check")(iter(()), timeout=30)
    assert raised.value.code() is Code.INVALID_ARGUMENT


@pytest.mark.parametrize("signal", ["logs", "metrics"])
def test_other_signals_are_told_how_to_turn_themselves_off_and_logged_once_a_host(start, caplog, signal):
    running = start()
    for _ in range(3):
        with pytest.raises(grpc.RpcError) as raised:
            running.call(BODY, f"/opentelemetry.proto.collector.{signal}.v1.{signal.title()}Service/Export")
        assert raised.value.code() is Code.UNIMPLEMENTED
        assert f"OTEL_{signal.upper()}_EXPORTER=none" in raised.value.details()
    (line,) = told_by(caplog, accounting.__name__)
    assert "127.0.0.1" in line


def test_an_unknown_service_is_UNIMPLEMENTED(start):
    with pytest.raises(grpc.RpcError) as raised:
        start().call(BODY, "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export")
    assert raised.value.code() is Code.UNIMPLEMENTED


def test_the_spans_are_counted(start):
    running = start(RecordingConsumer(lambda _: Outcome(5, 2, "two")))
    running.call(BODY)
    running.call(BODY)
    assert running.sample("otelcol_receiver_accepted_spans_total") == 10
    assert running.sample("otelcol_receiver_refused_spans_total") == 4


@pytest.mark.parametrize("service", ["", grpc_export.TRACE_SERVICE])
def test_health_is_SERVING_and_at_the_end_NOT_SERVING(start, service):
    running = start()
    watch = health_pb2_grpc.HealthStub(running.channel()).Watch(health_pb2.HealthCheckRequest(service=service))
    statuses = [next(watch).status]
    began = time.monotonic()
    running.receiver.shutdown(30.0)
    statuses.append(next(watch).status)
    assert statuses == [health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING]
    assert time.monotonic() - began < 20, "one who watches must not hold up the end"


def test_reflection_lists_the_services(start):
    database = ProtoReflectionDescriptorDatabase(start().channel())
    assert set(database.get_services()) >= {grpc_export.TRACE_SERVICE, "grpc.health.v1.Health"}
    assert (
        database.FindFileContainingSymbol(grpc_export.TRACE_SERVICE).package == "opentelemetry.proto.collector.trace.v1"
    )


def test_stop_answers_the_calls_at_work_and_takes_no_new_ones(start, consumer):
    consumer.hold()
    running = start(consumer)
    stub = running.channel().unary_unary(grpc_export.METHOD)
    calls = [stub.future(BODY, timeout=30) for _ in range(grpc_slots.WORKERS + 20)]
    consumer.wait_for(grpc_slots.WORKERS)
    stopping = threading.Thread(target=running.receiver.shutdown, args=(60.0,))
    stopping.start()
    wait_until(lambda: not reachable(running.endpoint))
    consumer.release()
    stopping.join(60)
    assert not stopping.is_alive()
    answered = [call for call in calls if call.code() == Code.OK]
    assert len(answered) >= grpc_slots.WORKERS, "those at work, and those in line that the server had seen"
    assert {call.code() for call in calls} <= {Code.OK, Code.CANCELLED, Code.UNAVAILABLE}, "else a client drops data"


def test_stop_ends_within_its_time_whatever_waits(start, consumer):
    consumer.hold()
    running = start(consumer)
    call = running.channel().unary_unary(grpc_export.METHOD).future(BODY, timeout=30)
    consumer.wait_for(1)
    began = time.monotonic()
    running.receiver.shutdown(0.3)
    running.receiver.shutdown(0.3)
    assert time.monotonic() - began < 30
    assert call.code() in {Code.CANCELLED, Code.UNAVAILABLE}, "codes that a client retries"


def test_a_taken_port_is_a_fault_that_names_the_endpoint(start):
    endpoint = start().endpoint
    with pytest.raises(ConfigError) as raised:
        start(endpoint=endpoint)
    fault = raised.value.faults[0]
    assert fault.path == "receivers.otlp.protocols.grpc.endpoint"
    assert fault.message == f"cannot listen on {endpoint}: Address already in use"


def test_a_named_receiver_names_its_endpoint():
    config = factory.config.model_validate({"protocols": {"grpc": {"endpoint": "127.0.0.1:0"}}})
    receiver = factory.create(ComponentId("otlp", "b"), config, Host(Metrics()), RecordingConsumer())
    receiver.start()
    assert list(receiver.endpoints) == ["otlp/b/grpc"]
    receiver.shutdown(1.0)


def test_a_client_that_pings_aggressively_stays_connected(start):
    channel = start().channel(
        grpc__keepalive_time_ms=200,
        grpc__keepalive_permit_without_calls=1,
        grpc__http2__max_pings_without_data=0,
    )
    states: list[grpc.ChannelConnectivity] = []
    channel.subscribe(states.append)
    channel.unary_unary(grpc_export.METHOD)(BODY, timeout=60)
    time.sleep(3.5)  # gRPC's own limits end the connection after 3 s
    assert states[-1] is grpc.ChannelConnectivity.READY
    assert states.count(grpc.ChannelConnectivity.READY) == 1


def test_keepalive_settings_reach_gRPC():
    grpc_settings = {
        "max_concurrent_streams": 7,
        "keepalive": {
            "server_parameters": {"max_connection_age": "1m", "time": "30s", "timeout": 5},
            "enforcement_policy": {"min_time": "10s", "permit_without_stream": True},
        },
    }
    settings = GrpcSettings.model_validate(grpc_settings)
    assert (
        dict(options(settings)).items()
        >= {
            "grpc.so_reuseport": 0,
            "grpc.max_receive_message_length": 64 * MIB,
            "grpc.max_concurrent_streams": 7,
            "grpc.max_connection_age_ms": 60_000,
            "grpc.keepalive_time_ms": 30_000,
            "grpc.keepalive_timeout_ms": 5_000,
            "grpc.http2.min_ping_interval_without_data_ms": 10_000,
            "grpc.keepalive_permit_without_calls": 1,
        }.items()
    )


@pytest.mark.parametrize("settings", [{}, None, {"protocols": {}}, {"protocols": None}, {"protocols": {"grcp": {}}}])
def test_a_receiver_without_a_protocol_is_a_fault(settings):
    with pytest.raises(ValidationError):
        OtlpSettings.model_validate(settings)


def test_a_protocol_that_is_only_named_has_the_defaults():
    assert OtlpSettings.model_validate({"protocols": {"grpc": None}}).protocols.grpc == GrpcSettings()


@pytest.mark.parametrize("unknown", ["tls", "auth", "max_recv_msg_size"])
def test_an_unknown_key_is_a_fault(unknown):
    with pytest.raises(ValidationError, match=unknown):
        GrpcSettings.model_validate({unknown: {}})
