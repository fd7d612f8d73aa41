"""What models and users write cannot do anything on a page."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.extensions.web.pages import markdown

_ALLOWED = {"a", "span", "p", "pre", "code", "em", "strong", "ul", "ol", "li", "blockquote", "br", "hr"} | {
    "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "s", "del",
}  # fmt: skip


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def _tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    seen = _Seen()
    seen.feed(html)
    return seen.tags


def _is_harmless(html: str) -> bool:
    return all(
        tag in _ALLOWED
        and set(attributes) <= {"href", "rel", "start", "class"}
        and (attributes.get("href") or "https://").startswith(("https://", "http://", "mailto:"))
        for tag, attributes in _tags(html)
    )


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "![a](https://tracker.example/pixel.png)",
        "<svg onload=alert(1)>",
        '[a](https://ok.example "x" onclick=alert(1))',
        "<a href='x' onmouseover='alert(1)'>x</a>",
        "```html\n<script>alert(1)</script>\n```",
        "| a |\n|---|\n| <b onclick=x>b</b> |",
        "[x]: javascript:alert(1)\n\n[x]",
        "<https://ok.example/><javascript:alert(1)>",
        ">" * 5000,
        "[" * 5000,
        "*" * 9000 + "a",
    ],
)
def test_hostile_markdown_is_inert(text: str) -> None:
    assert _is_harmless(markdown.rendered(text))


@given(st.text(alphabet="<>[]()!`*_#|:/\\\"'= \nabscriptjvonerdtx", max_size=200))
def test_any_markdown_is_inert(text: str) -> None:
    assert _is_harmless(markdown.rendered(text))


def test_markdown_is_rendered_and_links_tell_nobody_where_they_come_from() -> None:
    html = markdown.rendered("# Title\n\n1. **one**\n2. see https://a.example/b\n\n| a |\n|---|\n| b |")
    assert "<h3>Title</h3>" in html
    assert "<strong>one</strong>" in html
    assert '<a href="https://a.example/b" rel="noopener noreferrer nofollow">' in html
    assert "<td>b</td>" in html


def test_a_text_that_is_too_long_for_markdown_stands_as_it_is() -> None:
    html = markdown.rendered("**a** <b>" + "x" * markdown.MAX_CHARS)
    assert html.startswith('<pre class="plain">**a** &lt;b&gt;')


def test_code_is_coloured_by_classes_and_stays_the_code_that_it_is() -> None:
    code = "def total(lines):  # all <b>\n    return 'x' + 1\n"
    html = str(markdown.rendered(f"```python\n{code}```"))
    assert '<span class="hl-k">def</span>' in html
    assert '<span class="hl-c"># all &lt;b&gt;</span>' in html
    seen = _Seen()
    text: list[str] = []
    seen.handle_data = text.append  # type: ignore[method-assign]
    seen.feed(html)
    assert "".join(text).strip() == code.strip()


@pytest.mark.parametrize("language", ["python", "sql", "json", "diff", "html", "no-such", "", "PYTHON"])
@pytest.mark.parametrize("code", ["<script>alert(1)</script>", '"' * 3000, "{" * 3000, "/*" * 3000, "x = 1\n" * 5000])
def test_whatever_is_called_code_is_harmless_and_soon_done(language: str, code: str) -> None:
    begin = time.process_time()
    html = str(markdown.rendered(f"````{language}\n{code}\n````"))
    assert time.process_time() - begin < 2
    assert _is_harmless(html)
    assert "<script" not in html
