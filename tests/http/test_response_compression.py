"""Answers in the coding that a client takes, whole and piece by piece."""

from __future__ import annotations

import gzip
import random
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from otel_sessions.http.response_compression import MIN_BYTES, Compressed, chosen, zstd

TEXT = random.Random(1).randbytes(200_000).hex().encode()


async def whole(request: Request) -> Response:
    return Response(TEXT[: int(request.query_params["n"])], media_type=request.query_params.get("type"))


async def pieces(_: Request) -> Response:
    async def body() -> AsyncIterator[bytes]:
        for start in range(0, len(TEXT), 100_000):
            yield TEXT[start : start + 100_000]
            yield b""

    return StreamingResponse(body(), media_type="text/plain")


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Compressed(Starlette(routes=[Route("/whole", whole), Route("/pieces", pieces)])))


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("GZIP ; q=0.2 , br", "gzip"),
        ("*", "zstd"),
        ("zstd;q=0, *", "gzip"),
        ("*;q=0", None),
        ("gzip;q=0", None),
        ("gzip;q=0.000", None),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("br", None),
        ("", None),
        ("gzip;q=x", None),
        ("notgzip, gzipped", None),
    ],
)
def test_the_coding_is_the_one_that_the_client_weighs_most(header: str, coding: str | None) -> None:
    assert chosen(header) == coding


@pytest.mark.parametrize("path", ["/whole?n=400000&type=text/plain", "/pieces"])
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_what_is_unpacked_is_what_was_sent(client: TestClient, path: str, coding: str) -> None:
    with client.stream("GET", path, headers={"Accept-Encoding": coding}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == coding
    assert "Accept-Encoding" in answer.headers["vary"]
    assert answer.headers.get("content-length", str(len(raw))) == str(len(raw))
    assert (gzip.decompress(raw) if coding == "gzip" else zstd.decompress(raw)) == TEXT
    assert len(raw) < 0.7 * len(TEXT)


@pytest.mark.parametrize(
    "path",
    [
        f"/whole?n={MIN_BYTES - 1}&type=text/plain",
        "/whole?n=5000&type=text/event-stream",
        "/whole?n=5000&type=application/vnd.apache.parquet",
    ],
)
def test_what_is_small_compressed_or_urgent_goes_out_as_it_is(client: TestClient, path: str) -> None:
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip, zstd"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert "content-encoding" not in answer.headers
    assert TEXT.startswith(raw)
    assert "Accept-Encoding" in answer.headers["vary"]
