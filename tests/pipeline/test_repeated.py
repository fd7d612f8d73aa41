"""Repeated requests: the digest by which one is known again."""

from __future__ import annotations

import hashlib

import pytest

from otel_sessions.component import Request
from otel_sessions.pipeline.repeated import digest


@pytest.mark.parametrize("size", [0, 1, 2046, 2047, 2048, 4094, 4095, 64 * 2**10, 64 * 2**10 + 1, 300_000])
def test_a_digest_is_of_the_project_and_all_of_the_body(size: int) -> None:
    body = bytes(number % 251 for number in range(size))
    assert digest(Request(body, "p")) == hashlib.sha256(b"p\0" + body).digest()
    assert digest(Request(body, "q")) != digest(Request(body, "p"))
