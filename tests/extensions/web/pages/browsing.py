"""A reader without a browser: fetches pages, sends their forms, and looks at their HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPConnection
from urllib.parse import urlencode

from tests.extensions.web.conftest import Api


@dataclass
class Page:
    """An answer, taken apart: `tags` with their attributes, and the `text` that a reader sees."""

    status: int
    headers: Mapping[str, str]
    html: str
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: str = ""

    def links(self) -> list[str]:
        return [attributes["href"] for _, attributes in self.tags if "href" in attributes]

    def fields(self) -> dict[str, str]:
        """The hidden and named fields of all forms, the last of a name."""
        return {one["name"]: one.get("value", "") for tag, one in self.tags if tag == "input" and "name" in one}


class _Parts(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self._page = page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._page.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self._page.text += data


@dataclass
class Browser:
    """One reader of one project, who keeps the cookie of the forms."""

    api: Api
    cookie: str = ""
    may_break: bool = False
    """Whether a part of a page may be missing."""

    def get(self, path: str, headers: Mapping[str, str] = {}) -> Page:
        return self._ask("GET", path, None, headers)

    def post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str] = {}, *, token: bool = True) -> Page:
        """Sends a form, with the token that a page of it has."""
        sent = dict(form)
        if token:
            sent["_form"] = self.get("/sessions").fields()["_form"]
        return self._ask("POST", path, urlencode(sent).encode(), headers)

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Page:
        connection = HTTPConnection(self.api.address, timeout=60)
        sent = {"X-Project": self.api.project, **headers}
        if self.cookie and "Cookie" not in sent:
            sent["Cookie"] = self.cookie
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            page = Page(answer.status, told, answer.read().decode())
        finally:
            connection.close()
        if kept := re.match(r"otel_sessions_form=[^;]+", told.get("set-cookie", "")):
            self.cookie = kept.group()
        _Parts(page).feed(page.html)
        assert self.may_break or "could not be made" not in page.text, page.text
        return page
