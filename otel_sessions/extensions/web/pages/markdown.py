# SPDX-License-Identifier: Apache-2.0
"""Markdown of models and users as HTML that cannot do anything: no raw HTML, no images, links to the web only."""

from __future__ import annotations

from typing import Final

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from otel_sessions.extensions.web.pages.format import visible
from otel_sessions.extensions.web.pages.highlight import CLASSES, highlighted

MAX_CHARS: Final = 40_000
"""Longer texts are shown as they are: their Markdown would cost more than it tells."""

_TAGS: Final = {
    "a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


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
            allowed_classes={"span": set(CLASSES)},
            url_schemes={"http", "https", "mailto"},
            link_rel="noopener noreferrer nofollow",
        )
    )


def plain(text: str) -> Markup:
    """The text with its line ends and spaces."""
    return Markup('<pre class="plain">{}</pre>').format(visible(text))
