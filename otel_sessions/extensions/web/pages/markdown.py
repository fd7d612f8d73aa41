# SPDX-License-Identifier: Apache-2.0
"""Markdown of models and users as HTML that cannot do anything: no raw HTML, no images, links to the web only.

Words of code have colours, as spans of seven classes that are worked out here, so that no script does it in the page.
"""

from __future__ import annotations

import time
from itertools import groupby
from typing import Any, Final

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from otel_sessions.extensions.web.pages.format import visible

MAX_CHARS: Final = 40_000
"""Longer texts are shown as they are: their Markdown would cost more than it tells."""
_TAGS: Final = {
    "a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_CLASSES: Final = frozenset({"hl-c", "hl-k", "hl-s", "hl-n", "hl-f", "hl-d", "hl-i"})
"""Classes of comments, keywords, strings, numbers and defined names; of what a diff deletes and inserts."""
_MAX_CODE_CHARS: Final = 6_000
"""Longer code stands as it is: colours would weigh more than it does."""
_WITHIN_S: Final = 0.05
_LANGUAGES: Final = frozenset(
    {
        *("bash", "c", "cpp", "csharp", "css", "diff", "go", "html", "java", "javascript", "js", "json", "kotlin"),
        *("php", "py", "python", "ruby", "rust", "sh", "shell", "sql", "swift", "toml", "ts", "typescript", "xml"),
        *("yaml", "yml"),
    }
)
_KINDS: Final = (
    ("Comment", "hl-c"), ("Keyword", "hl-k"), ("Literal.String", "hl-s"), ("Literal.Number", "hl-n"),
    ("Name.Function", "hl-f"), ("Name.Class", "hl-f"), ("Name.Tag", "hl-k"), ("Generic.Deleted", "hl-d"),
    ("Generic.Inserted", "hl-i"),
)  # fmt: skip


def highlighted(code: str, language: str, _: str = "") -> str:
    """The code as HTML; empty where it is better left alone: of no language that is known, too long, or too slow."""
    language = language.lower()
    if language not in _LANGUAGES or len(code) > _MAX_CODE_CHARS:
        return ""
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415 - most pages have no code

    lexer: Any = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    end = time.thread_time() + _WITHIN_S
    html = []
    for kind, pieces in groupby(lexer.get_tokens(code), key=lambda each: _class_of(each[0])):
        text = escape("".join(piece for _, piece in pieces))
        html.append(f'<span class="{kind}">{text}</span>' if kind else str(text))
        if time.thread_time() > end:
            return ""
    return "".join(html)


def _class_of(kind: tuple[str, ...]) -> str:
    """The class of a kind of token by the beginning of its name, empty for most."""
    name = ".".join(kind) + "."
    return next((found for prefix, found in _KINDS if name.startswith(f"{prefix}.")), "")


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "highlight": highlighted}).enable(
        ["table", "strikethrough", "linkify"]
    )
    parser.disable("image")  # `![text](url)` is then a link behind an exclamation mark: nothing is fetched unasked
    return parser


_PARSER: Final = _parser()


def rendered(text: str) -> Markup:
    """The text as HTML. A text that is too long, or nested so that it cannot be read, stands as it is."""
    if len(text) > MAX_CHARS:
        return plain(text)
    try:
        html = _PARSER.render(visible(text))
    except RecursionError:
        return plain(text)
    for level in (2, 1):  # headings of the page stand above those of a message
        html = html.replace(f"<h{level}>", "<h3>").replace(f"</h{level}>", "</h3>")
    return Markup(  # noqa: S704 - cleaned by an HTML sanitizer in this very call
        nh3.clean(
            html,
            tags=_TAGS,
            attributes={"a": {"href"}, "ol": {"start"}},
            allowed_classes={"span": set(_CLASSES)},
            url_schemes={"http", "https", "mailto"},
            link_rel="noopener noreferrer nofollow",
        )
    )


def plain(text: str) -> Markup:
    """The text with its line ends and spaces."""
    return Markup('<pre class="plain">{}</pre>').format(visible(text))
