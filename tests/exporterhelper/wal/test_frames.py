"""The bytes of a segment: what is written is read, and damage costs only what is damaged."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.component import Request
from otel_sessions.exporterhelper.wal.frames import HEADER, contents, frame, size_of

REQUESTS = st.lists(st.builds(Request, st.binary(max_size=200), st.text(max_size=10)), max_size=6)
SOME = [Request(b"first", "default"), Request(b"", "p"), Request(bytes(range(256)) * 3, "日本")]


def written(requests: list[Request]) -> bytes:
    return HEADER + b"".join(map(frame, requests))


@given(REQUESTS)
def test_what_is_written_is_read(requests: list[Request]) -> None:
    data = written(requests)
    found = contents(data)
    assert (found.requests, found.end, found.damaged_bytes) == (requests, len(data), 0)


def test_a_write_that_is_torn_at_any_byte_costs_only_its_own_request() -> None:
    whole, last = written(SOME[:2]), frame(SOME[2])
    for cut in range(len(last)):
        found = contents(whole + last[:cut])
        assert (found.requests, found.end, found.damaged_bytes) == (SOME[:2], len(whole), 0)


def test_a_header_that_is_torn_at_any_byte_is_an_empty_segment() -> None:
    for cut in range(len(HEADER)):
        found = contents(HEADER[:cut])
        assert (found.requests, found.end, found.damaged_bytes) == ([], 0, 0)


@given(REQUESTS.filter(len), st.data())
def test_a_changed_byte_costs_only_the_request_it_is_in(requests: list[Request], data: st.DataObject) -> None:
    good = written(requests)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[at] ^= data.draw(st.integers(1, 255))
    ends = [len(written(requests[:count])) for count in range(1, len(requests) + 1)]
    hit = sum(end <= at for end in ends) if at >= len(HEADER) else None
    left = requests if hit is None else requests[:hit] + requests[hit + 1 :]
    found = contents(bytes(bad))
    assert found.requests == left
    assert found.damaged_bytes or hit == len(requests) - 1


def test_a_body_that_holds_a_frame_is_not_taken_apart() -> None:
    nested = [Request(written(SOME), "p"), Request(b"after", "p")]
    assert contents(written(nested)).requests == nested


@given(st.binary(max_size=500))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    found = contents(data)
    assert 0 <= found.end <= len(data)


def test_size_of_is_the_size_of_the_frames() -> None:
    requests = [Request(b"abc", "default"), Request(b"", "p")]
    assert size_of(requests) == sum(len(frame(request)) for request in requests)
