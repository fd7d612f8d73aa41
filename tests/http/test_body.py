"""Bodies as every listener reads them: bounded in every way, and what is wrong with one is a decided error."""

from __future__ import annotations

import asyncio
import gzip
import random
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from otel_sessions.errors import InvalidData, Retryable, TooLarge
from otel_sessions.http import body
from otel_sessions.http.body import Bodies, Body, BrokenBody, SlowBody, UnsupportedMediaType

try:
    from compression import zstd
except ImportError:
    from backports import zstd

MIB = 1 << 20
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}
PACKED = ("gzip", "deflate", "zstd")


def request(chunks: Iterable[bytes], encoding: str = "", **headers: str) -> Request:
    """As it comes off a connection; after the last of `chunks` nothing comes if that is b"..."."""
    left = list(chunks)

    async def receive() -> dict[str, Any]:
        chunk = left.pop(0)
        if chunk == b"...":
            await asyncio.sleep(60)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    named = {"content-encoding": encoding, **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    return Request({"type": "http", "method": "POST", "headers": raw}, receive)


def read(bodies: Bodies, sent: Request) -> bytes:
    return asyncio.run(bodies.take(sent, Body.unpacked))


def free(bodies: Bodies) -> int:
    return bodies._room.nbytes - bodies._room.held


@given(content=st.binary(max_size=5000), encoding=st.sampled_from(list(PACK)), cut=st.integers(0, 6000))
def test_a_body_arrives_as_it_was_in_every_encoding_and_its_room_is_given_back(
    content: bytes, encoding: str, cut: int
) -> None:
    packed, bodies = PACK[encoding](content), Bodies(MIB, 2 * MIB)
    assert read(bodies, request([packed[:cut], packed[cut:]], encoding)) == content
    assert free(bodies) == 2 * MIB


@given(sent=st.binary(max_size=200), encoding=st.sampled_from(PACKED))
def test_whatever_is_sent_is_unpacked_or_broken(sent: bytes, encoding: str) -> None:
    bodies = Bodies(MIB, MIB)
    with suppress(BrokenBody, TooLarge):
        read(bodies, request([sent], encoding))
    assert free(bodies) == MIB


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: d[:5], lambda d: b"x" + d, lambda d: d + b"x"])
def test_a_broken_body_says_which_encoding_it_is_not_in(encoding: str, damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BrokenBody, match=f"^the body is not {encoding}: "):
        read(Bodies(MIB, MIB), request([damage(PACK[encoding](b"content"))], encoding))


@pytest.mark.parametrize("encoding", list(PACK))
@pytest.mark.parametrize("compressible", [True, False])
def test_the_limit_counts_what_was_inflated_to_the_byte(encoding: str, compressible: bool) -> None:
    data = bytes(MIB + 1) if compressible else random.Random(1).randbytes(MIB + 1)
    bodies = Bodies(MIB, 3 * MIB)
    assert len(read(bodies, request([PACK[encoding](data[:MIB])], encoding))) == MIB
    with pytest.raises(TooLarge, match=f"over the limit of {MIB} bytes"):
        read(bodies, request([PACK[encoding](data)], encoding))
    assert free(bodies) == 3 * MIB


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_members_may_follow_one_another_but_not_without_end(encoding: str) -> None:
    pack = PACK[encoding]
    assert read(Bodies(MIB, MIB), request([pack(b"ab") + pack(b"") + pack(b"c")], encoding)) == b"abc"
    with pytest.raises(BrokenBody, match="over 32 members"):
        read(Bodies(4 * MIB, 8 * MIB), request([pack(b"") * 100_000], encoding))


def test_a_window_over_8_MiB_is_broken() -> None:
    options = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.enable_long_distance_matching: 1}
    packer = zstd.ZstdCompressor(options=options)
    with pytest.raises(BrokenBody):
        read(Bodies(MIB, MIB), request([packer.compress(b"content") + packer.flush()], "zstd"))


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "lz4"])
def test_another_encoding_is_named_with_those_there_are(encoding: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="send gzip, deflate, zstd or none") as raised:
        read(Bodies(MIB, MIB), request([b""], encoding))
    assert raised.value.accept_encoding == "gzip, deflate, zstd"


def test_what_a_header_announces_is_not_waited_for() -> None:
    with pytest.raises(TooLarge):
        read(Bodies(MIB, MIB), request([b"..."], content_length=str(MIB + 1)))


def test_bodies_that_are_held_are_bounded_together_as_they_are_inflated() -> None:
    bodies = Bodies(MIB, 2 * MIB)

    async def scene() -> None:
        async with bodies.read(request([gzip.compress(bytes(MIB))], "gzip")) as first:
            await asyncio.to_thread(first.unpacked)
            assert free(bodies) == MIB
            async with bodies.read(request([bytes(MIB - 100)])):
                for sent in (request([bytes(101)]), request([gzip.compress(bytes(200))], "gzip")):
                    with pytest.raises(Retryable, match="too many requests are being read"):
                        await bodies.take(sent, Body.unpacked)
                assert await bodies.take(request([bytes(100)]), Body.unpacked) == bytes(100)

    asyncio.run(scene())
    assert free(bodies) == 2 * MIB


def test_a_slow_body_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "READ_TIMEOUT_S", 0.1)
    bodies = Bodies(MIB, MIB)
    with pytest.raises(SlowBody, match=r"not there after 0\.1 s"):
        read(bodies, request([b"abc", b"..."]))
    assert free(bodies) == MIB


def test_work_that_outlasts_its_request_takes_no_room() -> None:
    bodies = Bodies(MIB, MIB)

    async def scene() -> None:
        async with bodies.read(request([gzip.compress(bytes(1000))], "gzip")) as held:
            pass
        assert await asyncio.to_thread(held.unpacked) == bytes(1000)

    asyncio.run(scene())
    assert free(bodies) == MIB


def test_nothing_is_inflated_on_an_event_loop() -> None:
    async def scene() -> None:
        async with Bodies(MIB, MIB).read(request([gzip.compress(b"a")], "gzip")) as held:
            held.unpacked()

    with pytest.raises(AssertionError, match="in a thread"):
        asyncio.run(scene())


@pytest.mark.parametrize("sent", [b"{", b"[" * 200_000, b"\xff", b""])
def test_what_is_no_JSON_is_said_to_be_none(sent: bytes) -> None:
    with pytest.raises(InvalidData, match=r"^the body is (not JSON|nested too deep)"):
        asyncio.run(Bodies(MIB, MIB).take(request([sent]), Body.json))
