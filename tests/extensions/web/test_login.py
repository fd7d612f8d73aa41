"""People log in and out by forms, in a browser that tells which site a request comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import quote, urlencode

import pytest

from otel_sessions.extensions.web.access import COOKIE, MAX_GUESSES
from tests.extensions.web.conftest import Api, span
from tests.extensions.web.test_access import basic_header, guarded  # noqa: F401 - a fixture


@dataclass
class Page:
    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Browser:
    """Keeps cookies, and sends what a browser does of where a request comes from."""

    address: str
    cookies: dict[str, str] = field(default_factory=dict)
    sent: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Page:
        return self._ask("GET", path, None, {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", **headers})

    def post(self, path: str, form: dict[str, str], **headers: str) -> Page:
        named = {"Sec-Fetch-Site": "same-origin", "Origin": f"http://{self.address}", **headers}
        return self._ask("POST", path, urlencode(form), named)

    def log_in(self, name: str, secret: str, back: str = "") -> Page:
        """By the form, as it is shown."""
        return self.post("/login", {**self.form(f"/login?back={quote(back)}"), "name": name, "secret": secret})

    def form(self, path: str) -> dict[str, str]:
        """The hidden fields of a page."""
        hidden = r'<input type="hidden" name="(\w+)" value="([^"]*)">'
        return dict(re.findall(hidden, self.get(path).text))

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Page:
        connection = HTTPConnection(self.address, timeout=30)
        named = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), **self.sent}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            named["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            for set_ in answer.headers.get_all("set-cookie") or []:
                name, _, value = set_.partition(";")[0].partition("=")
                self.cookies[name] = value.strip('"')
            return Page(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
        finally:
            connection.close()


@pytest.fixture
def browser(guarded: Api) -> Browser:  # noqa: F811
    guarded.store(span("mine", 1, attributes={"user.id": "ada"}))
    return Browser(guarded.address)


def test_a_reader_is_led_to_the_form_and_back_and_out_again(browser: Browser, guarded: Api) -> None:  # noqa: F811
    led = browser.get("/sessions?query=user:ada")
    assert (led.status, led.headers["location"]) == (303, "/login?back=%2Fsessions%3Fquery%3Duser%3Aada")
    shown = browser.get(led.headers["location"])
    assert (shown.status, 'name="name"' in shown.text, 'type="password"' in shown.text) == (200, True, True)
    done = browser.log_in("ada", "ada-secret", "/sessions?query=user:ada")
    assert (done.status, done.headers["location"]) == (303, "/sessions?query=user:ada")
    page = browser.get("/sessions?query=user:ada")
    assert (page.status, "mine" in page.text, "Log out" in page.text) == (200, True, True)
    with_cookie = {"Cookie": f"{COOKIE}={browser.cookies[COOKIE]}"}
    assert guarded.call("GET", "/sessions/mine", headers=with_cookie).status == 200
    out = browser.post("/logout", browser.form("/sessions"))
    assert (out.status, out.headers["location"], browser.cookies[COOKIE]) == (303, "/login", "")
    assert browser.get("/sessions").status == 303
    assert guarded.call("GET", "/sessions/mine", headers=with_cookie).status == 401, "a copy of the cookie is dead too"


def test_the_cookie_is_for_this_site_and_no_script(browser: Browser) -> None:
    cookie = browser.log_in("ada", "ada-secret").headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}


def test_a_login_opens_one_project(browser: Browser) -> None:
    browser.log_in("bob", "bob-secret")
    assert browser.get("/sessions/mine").status == 404


def test_a_wrong_password_is_told_and_too_many_are_not_looked_at(browser: Browser) -> None:
    answers = [browser.log_in("ada", f"guess {number}") for number in range(MAX_GUESSES + 1)]
    assert [answer.status for answer in answers] == [401] * MAX_GUESSES + [429]
    assert 'role="alert"' in answers[0].text
    assert "retry-after" in answers[-1].headers
    assert "www-authenticate" not in answers[0].headers, "the browser would ask with a window of its own"
    assert browser.log_in("ada", "ada-secret").status == 429


@pytest.mark.parametrize(
    "headers", [{"Sec_Fetch_Site": "cross-site"}, {"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "same-site"}]
)
def test_another_site_logs_nobody_in_or_out(browser: Browser, headers: dict[str, str]) -> None:
    form = {**browser.form("/login"), "name": "ada", "secret": "ada-secret"}
    assert browser.post("/login", form, **headers).status == 403
    assert browser.post("/login", {"name": "ada", "secret": "ada-secret"}).status == 403, "without its page's token"


@pytest.mark.parametrize(
    "back", ["http://evil.example/", "//evil.example", "/\\evil.example", "x", "/login", "/a\r\nb: c"]
)
def test_a_login_leads_to_no_other_site(browser: Browser, back: str) -> None:
    assert browser.log_in("ada", "ada-secret", back).headers["location"] == "/sessions"


def test_what_a_page_fetches_is_not_led_to_the_form(browser: Browser) -> None:
    assert browser.get("/sessions", Sec_Fetch_Mode="cors").status == 401
    assert browser.get("/sessions", **basic_header("ada", "wrong")).status == 401
    assert browser.get("/sessions", **basic_header("ada", "ada-secret")).status == 200


def test_a_link_that_shares_opens_without_a_login_and_nothing_else(browser: Browser, guarded: Api) -> None:  # noqa: F811
    ada = basic_header("ada", "ada-secret")
    token = guarded.call("POST", "/sessions/mine/share", headers=ada).json["token"]
    assert browser.get(f"/share/{token}").status == 200
    assert browser.get(f"/share/{token[:-1]}x").status == 404
    for path in ("/sessions", "/sessions/mine", "/users", "/shares", "/status", "/connect", "/compare"):
        assert browser.get(path).status == 303, path


def test_where_nobody_need_say_who_they_are_there_is_no_form(web: object, api: Api) -> None:
    browser = Browser(api.address, sent={"X-Project": api.project})
    assert browser.get("/login").status == 404, "the authenticator of these tests has none"
    assert browser.get("/sessions").status == 200
