"""What the receiver `otlp` does over HTTP with bodies that are large, compressed, broken or slow, and with its end."""

from __future__ import annotations

import gzip
import random
import socket
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from google.rpc import code_pb2 as code

from otel_sessions.footprint import Room
from otel_sessions.http import body
from otel_sessions.receivers.otlp import http
from otel_sessions.receivers.otlp import json as otlp_json
from tests.integration.running import wait_until

from .conftest import BODY, JSON, MIB, PROTOBUF, Running, peak_rss_mib, reachable

try:
    from compression import zstd
except ImportError:
    from backports import zstd


def plain(data: bytes) -> bytes:
    return data


PACK: dict[str, Callable[[bytes], bytes]] = {
    "": plain,
    "identity": plain,
    "none": plain,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "zlib": zlib.compress,
    "zstd": zstd.compress,
}
PACKED = ("gzip", "deflate", "zstd")


@pytest.mark.parametrize("encoding", PACK)
def test_A1_every_encoding_arrives_as_the_same_bytes(start_http, consumer, encoding):
    answer = start_http(consumer).post(PACK[encoding](BODY), content_encoding=encoding)
    assert answer.code == 200
    assert consumer.bodies == [BODY]


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_A1_JSON_is_unpacked_too(start_http, consumer, encoding):
    start_http(consumer).post(PACK[encoding](b'{"resourceSpans": []}'), JSON, content_encoding=encoding)
    assert consumer.bodies == [b""]


@pytest.mark.parametrize("encoding", ["", *PACKED])
@pytest.mark.parametrize("compressible", [True, False])
def test_A2_H5_the_cap_counts_what_was_unpacked_to_the_byte(start_http, consumer, encoding, compressible):
    running = start_http(consumer, max_request_body_size=MIB)
    data = bytes(MIB + 1) if compressible else random.Random(1).randbytes(MIB + 1)
    assert running.post(PACK[encoding](data[:MIB]), content_encoding=encoding).code == 200
    refused = running.post(PACK[encoding](data), content_encoding=encoding)
    assert (refused.code, refused.status.code) == (413, code.RESOURCE_EXHAUSTED)
    assert refused.status.message == f"the request is over the limit of {MIB} bytes"
    assert "retry-after" not in refused.headers
    assert running.post(PACK[encoding](data[:MIB]), content_encoding=encoding).code == 200
    assert [len(body) for body in consumer.bodies] == [MIB] * 2


def test_A2_a_chunked_body_over_the_cap_is_refused(start_http, consumer):
    running = start_http(consumer, max_request_body_size=MIB)
    assert running.post([bytes(MIB // 4)] * 5).code == 413
    assert running.post([bytes(MIB // 4)] * 4).code == 200


def test_A2_what_a_header_announces_is_not_waited_for(start_http):
    running = start_http(max_request_body_size=MIB)
    host, _, port = running.endpoint.rpartition(":")
    head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\nContent-Length: {MIB + 1}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("encoding", PACKED)
def test_A2_a_bomb_does_not_inflate_past_the_cap(start_http, consumer, encoding):
    running = start_http(consumer, max_request_body_size=4 * MIB)
    bomb = PACK[encoding](bytes(100 * MIB))
    before = peak_rss_mib()
    for _ in range(3):
        assert running.post(bomb, content_encoding=encoding).code == 413
    assert peak_rss_mib() - before < 64
    assert not consumer.requests


def test_A2_a_frame_of_zstd_that_asks_for_a_large_window_is_refused(start_http):
    options = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.enable_long_distance_matching: 1}
    packer = zstd.ZstdCompressor(options=options)
    data = packer.compress(BODY) + packer.flush()
    assert start_http().post(data, content_encoding="zstd").code == 400


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_members_may_follow_one_another_but_not_without_end(start_http, consumer, encoding):
    pack, running = PACK[encoding], start_http(consumer)
    assert running.post(pack(BODY[:7]) + pack(b"") + pack(BODY[7:]), content_encoding=encoding).code == 200
    assert consumer.bodies == [BODY]
    refused = running.post(pack(b"") * 100_000, content_encoding=encoding)
    assert (refused.code, refused.status.message) == (400, f"the body is not {encoding}: over 32 members")


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: d[:5], lambda d: b"x" + d, lambda d: d + b"x"])
def test_H6_a_broken_compression_is_400(start_http, consumer, encoding, damage):
    answer = start_http(consumer).post(damage(PACK[encoding](BODY)), content_encoding=encoding)
    assert (answer.code, answer.status.code) == (400, code.INVALID_ARGUMENT)
    assert f"the body is not {encoding}" in answer.status.message
    assert not consumer.requests


def test_an_empty_body_stays_empty_in_every_encoding(start_http):
    for encoding in PACK:
        assert start_http().post(b"", content_encoding=encoding).code == 200


# --- bodies that are being read ---


def half_sent(running: Running, sent: bytes, length: int) -> socket.socket:
    host, _, port = running.endpoint.rpartition(":")
    head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\nContent-Length: {length}\r\n\r\n"
    connection = socket.create_connection((host, int(port)), timeout=60)
    connection.sendall(head.encode() + sent)
    return connection


def everything(connection: socket.socket) -> bytes:
    found = b""
    while part := connection.recv(65536):
        found += part
    return found


def test_a_slow_body_is_given_up_and_its_client_may_come_back(start_http, consumer, monkeypatch):
    monkeypatch.setattr(body, "READ_TIMEOUT_S", 0.3)
    running = start_http(consumer)
    with half_sent(running, b"abc", 10) as connection:
        answer = everything(connection)  # to its end: the connection is closed
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: 1\r\n" in answer
    assert not consumer.requests


def test_slow_bodies_keep_nobody_else_waiting(start_http):
    running = start_http()
    with ExitStack() as closing:
        slow = [closing.enter_context(half_sent(running, b"abc", 10)) for _ in range(200)]
        assert running.post().code == 200
        for connection in slow:
            connection.sendall(b"d" * 7)
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


def test_bodies_in_memory_are_bounded_together_and_their_room_is_given_back(start_http, monkeypatch):
    for patience in ("ROOM_TIMEOUT_S", "PATIENCE_S"):
        monkeypatch.setattr(body, patience, 0.2)
    room = Room(2 * MIB)
    monkeypatch.setattr(http, "Bodies", lambda limit, _: body.Bodies(limit, room))
    running = start_http(max_request_body_size=MIB)
    with ExitStack() as closing:
        slow = [closing.enter_context(half_sent(running, bytes(MIB - 1), MIB)) for _ in range(2)]
        # No request may ask before: it could take the room that one of these still needs.
        wait_until(lambda: room.held == 2 * MIB - 2)
        assert running.post(bytes(MIB // 2)).code == 503
        assert running.post(bytes(1000)).code == 200, "there is always some room for small ones"
        slow[0].close()
        wait_until(lambda: running.post(bytes(MIB // 2)).code == 200)
        slow[1].sendall(b"x")
        assert slow[1].recv(100).startswith(b"HTTP/1.1 200 ")
    for _ in range(5):
        assert running.post(bytes(MIB)).code == 200
        assert running.post(bytes(MIB + 1)).code == 413


@pytest.mark.parametrize("tight", [False, True])
def test_large_bodies_wait_for_their_turn_as_messages_over_grpc_do_unless_memory_is_tight(
    start_http, monkeypatch, tight
):
    monkeypatch.setattr(body, "ROOM_TIMEOUT_S", 0.1)
    monkeypatch.setattr(body, "_TURN_LOOK_S", 0.05)
    monkeypatch.setattr(body, "resident", lambda: body.TIGHT if tight else 0)
    monkeypatch.setattr(http, "Bodies", lambda limit, _: body.Bodies(limit, Room(2 * MIB)))
    running = start_http(max_request_body_size=MIB)
    with ExitStack() as closing, ThreadPoolExecutor(6) as pool:
        slow = [closing.enter_context(half_sent(running, bytes(MIB - 1), MIB)) for _ in range(2)]
        time.sleep(0.2)
        burst = [pool.submit(running.post, bytes(MIB)) for _ in range(6)]
        time.sleep(0.5)
        assert [call.result().code for call in burst if call.done()] == [503] * (6 if tight else 0)
        for connection in slow:
            connection.sendall(b"x")
        assert {call.result().code for call in burst} == {503 if tight else 200}


def test_a_slow_body_whose_turn_has_come_counts_what_came_of_it(start_http, monkeypatch):
    room = Room(2 * MIB)
    monkeypatch.setattr(body, "SOON_S", 0.1)
    monkeypatch.setattr(http, "Bodies", lambda limit, _: body.Bodies(limit, room))
    running = start_http(max_request_body_size=MIB)
    with half_sent(running, bytes(1000), MIB) as slow:
        wait_until(lambda: room.held == 1000)
        slow.sendall(bytes(MIB - 1000))
        assert slow.recv(100).startswith(b"HTTP/1.1 200 ")
    wait_until(lambda: not room.held)


def test_large_JSON_keeps_no_protobuf_waiting(start_http):
    running = start_http()
    with ThreadPoolExecutor(8) as pool:
        with otlp_json._LARGE:
            large = [pool.submit(running.post, b" " * MIB + b"{}", JSON) for _ in range(8)]
            for _ in range(5):
                assert running.post().code == 200
            assert not any(call.done() for call in large)
        assert [call.result().code for call in large] == [200] * 8


# --- the end ---


def test_stop_answers_the_requests_at_work_and_takes_no_new_ones(start_http, consumer):
    consumer.hold()
    running = start_http(consumer)
    with ThreadPoolExecutor(20) as pool:
        calls = [pool.submit(running.post) for _ in range(20)]
        consumer.wait_for(20)
        stopping = threading.Thread(target=running.receiver.shutdown, args=(60.0,))
        stopping.start()
        wait_until(lambda: not reachable(running.endpoint))
        consumer.release()
        stopping.join(60)
        assert not stopping.is_alive()
        assert [call.result().code for call in calls] == [200] * 20


def test_stop_ends_within_its_time_and_tells_those_who_wait_to_come_back(start_http, consumer, caplog):
    consumer.hold()
    running = start_http(consumer)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(running.post)
        consumer.wait_for(1)
        began = time.monotonic()
        running.receiver.shutdown(0.5)
        assert time.monotonic() - began < 30
        assert (call.result().code, call.result().headers["retry-after"]) == (503, "1")
    consumer.release()
    wait_until(lambda: running.sample("otelcol_receiver_accepted_spans_total") == 1)
    assert not [record for record in caplog.records if record.exc_info]


def test_stop_ends_within_its_time_whatever_is_being_sent(start_http):
    running = start_http()
    with half_sent(running, b"abc", 10):
        began = time.monotonic()
        running.receiver.shutdown(0.5)
        assert time.monotonic() - began < 30
