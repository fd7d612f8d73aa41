"""Pages in pieces: what goes out before the rest is known, and what becomes of a part that cannot be made."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import zlib

import pytest

from otel_sessions.component import Host
from otel_sessions.errors import Retryable
from otel_sessions.extensions.web.pages import sessions
from otel_sessions.extensions.web.pages.app import Made, pieces, place
from otel_sessions.extensions.web.pages.visit import Shown, Visit
from otel_sessions.http.response_compression import zstd
from otel_sessions.queries import detail
from tests.extensions.web.conftest import Api, span
from tests.extensions.web.pages.browsing import Browser
from tests.extensions.web.pages.stories import chat


def _shown(*names: str) -> Shown:
    def unused(visit: Visit) -> Shown:
        raise AssertionError("made by its name")

    return Shown("", {}, later=dict.fromkeys(names, unused))


def test_a_piece_waits_for_no_part_behind_it_and_parts_have_parts() -> None:
    asked: list[str] = []

    async def make(shown: Shown, name: str) -> Made:
        asked.append(name)
        return (f"[{place('inner')}]", _shown("inner")) if name == "outer" else (name, _shown())

    async def read() -> list[tuple[str, int]]:
        html = f"a{place('outer')}b{place('unknown')}c{place('last')}"
        return [(piece, len(asked)) async for piece in pieces((html, _shown("outer", "last")), make)]

    got = asyncio.run(read())
    assert "".join(piece for piece, _ in got) == "a[inner]bclast"
    assert got[0] == ("a", 0), "what stands before a part is not held up by it"
    assert asked == ["outer", "inner", "last"]


def _chunks(api: Api, path: str, coding: str = "") -> list[bytes]:
    """The pieces that a page comes in over the wire."""
    host, _, port = api.address.rpartition(":")
    accept = f"Accept-Encoding: {coding}\r\n" if coding else ""
    with socket.create_connection((host, int(port)), timeout=60) as wire:
        wire.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {api.address}\r\nX-Project: {api.project}\r\n{accept}"
            "Connection: close\r\n\r\n".encode()
        )
        with wire.makefile("rb") as answer:
            while answer.readline().strip():
                pass
            found = []
            while size := int(answer.readline(), 16):
                found.append(answer.read(size))
                answer.readline()
            return found


def test_the_search_goes_out_before_the_sessions_and_a_replay_after_the_figures(api: Api) -> None:
    chat(api)
    first, *rest = _chunks(api, "/sessions")
    assert b'id="query"' in first
    assert b"<table" not in first
    assert b"<table" in b"".join(rest)
    parts = _chunks(api, "/sessions/chat-1")
    assert b"app.css" in parts[0]
    figures = next(n for n, part in enumerate(parts) if b'class="figures' in part)
    replay = next(n for n, part in enumerate(parts) if b'class="turn"' in part)
    beside = next(n for n, part in enumerate(parts) if b'id="rows"' in part)
    assert 0 < figures < replay < beside


def test_where_a_turn_stands_is_looked_for_once_the_figures_are_out(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    chat(api)

    def slow(*_: object, **__: object) -> None:
        raise Retryable("too slow to wait for")

    monkeypatch.setattr(detail, "place_of_turn", slow)
    for at in ("error", f"{2:032x}"):
        page = b"".join(_chunks(api, f"/sessions/chat-1?at={at}"))
        assert b'class="figures' in page.partition(b"too slow to wait for")[0]


def test_the_next_of_a_review_is_looked_for_once_the_replay_is_out(api: Api) -> None:
    chat(api)
    parts = _chunks(api, "/sessions/chat-1?queue=user:ada")
    replay = next(n for n, part in enumerate(parts) if b'class="turn"' in part)
    assert replay < next(n for n, part in enumerate(parts) if b"Reviewing" in part)


def test_what_is_compressed_can_be_read_up_to_its_last_piece(api: Api) -> None:
    chat(api)
    first, *rest = _chunks(api, "/sessions", "gzip")
    assert b'id="query"' in zlib.decompressobj(31).decompress(first)
    assert b"</html>" in gzip.decompress(b"".join([first, *rest]))
    packed = _chunks(api, "/sessions", "zstd")
    assert b'id="query"' in zstd.ZstdDecompressor().decompress(packed[0])


def test_what_is_wrong_with_a_page_is_its_status_before_anything_goes_out(browser: Browser) -> None:
    chat(browser.api)
    for path, status in (
        ("/sessions?query=usr:ada", 400),
        ("/sessions?cursor=nonsense", 400),
        ("/sessions?sort=nonsense", 400),
        ("/sessions/none", 404),
        ("/sessions/chat-1?at=none", 404),
        ("/sessions/chat-1?turn=nonsense", 400),
        (f"/sessions/chat-1?span={1:032x}.{9:016x}", 404),
        ("/users/nobody", 404),
        ("/share/none", 404),
    ):
        assert browser.get(path).status == status, path


def test_a_part_that_cannot_be_made_says_so_and_the_rest_follows(
    browser: Browser, web_host: Host, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> Shown:
        raise Retryable("clickhouse <is> away")

    browser.api.store(span("a", 1))
    browser.may_break = True
    monkeypatch.setattr(sessions, "_found", away)
    counter = web_host.metrics.broken_pages.labels("list")
    before = counter._value.get()
    with caplog.at_level(logging.WARNING):
        page = browser.get("/sessions")
    assert page.status == 200
    assert "This part of the page could not be made: clickhouse <is> away" in page.text
    assert page.html.rstrip().endswith("</html>")
    assert counter._value.get() == before + 1
    assert "the part list of the page /sessions is missing" in caplog.text


def test_a_published_session_shows_no_comment_of_those_who_published_it(browser: Browser) -> None:
    chat(browser.api)
    said = {"text": "for us alone", "trace_id": f"{1:032x}"}
    assert browser.api.call("POST", "/sessions/chat-1/comments", said).status == 201
    assert "for us alone" in browser.get("/sessions/chat-1").text
    token = browser.api.call("POST", "/sessions/chat-1/share", {}).json["token"]
    for path in (f"/share/{token}", f"/share/{token}?fragment=turns", f"/share/{token}?show=calls"):
        assert "for us alone" not in browser.get(path).text


def test_the_last_error_is_that_which_ended_last_here_and_in_its_figure_with_a_link_to_its_step(
    browser: Browser,
) -> None:
    browser.api.store(
        span("a", 1, seconds=9, status="error", name="chat turn"),
        span("a", 1, number=2, start=1, seconds=9, status="error", name="pay", message="the card was <refused>"),
        span("a", 2, start=2, seconds=1, status="error", name="wrapper"),
    )
    page = browser.get("/sessions/a")
    assert "Last error in pay: the card was <refused>" in " ".join(page.text.split())
    link = f"/sessions/a?at={1:032x}#span-{1002:016x}"
    assert link in page.links()
    step = f"span-{1002:016x}"
    assert [one for _, one in browser.get(link.partition("#")[0]).tags if one.get("id") == step]
    assert browser.api.get("/sessions/a")["last_error"] == "the card was <refused>"
    assert "Turn 1" in browser.get("/sessions/a?at=error").text
    browser.api.store(span("a", 3, start=20, status="error", name="hang"), span("well", 4))
    page = browser.get("/sessions/a?at=error")
    assert "Last error in hang (no message)" in " ".join(page.text.split())
    assert ("Turn 3" in page.text, "Turn 1" in page.text) == (True, False)
    assert "Error (no message)" in browser.get(f"/sessions/a?span={3:032x}.{3001:016x}").text
    page = browser.get("/sessions/well?at=error")
    assert (page.status, "Nothing failed in this session" in page.text, "Turn 1" in page.text) == (200, True, True)
