"""Who is let in: credentials, logins, guesses, and where a listener may stand without any."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import ComponentId, Host
from otel_sessions.config import load
from otel_sessions.errors import ConfigError, Retryable, Unauthenticated
from otel_sessions.extensions.auth import basic, bearer
from otel_sessions.extensions.web import Config, Web, factory
from otel_sessions.extensions.web.access import (
    COOKIE,
    GUESS_WINDOW_S,
    MAX_GUESSES,
    Guesses,
    Logins,
    WebAccess,
)
from otel_sessions.extensions.web.problems import TooManyRequests
from otel_sessions.http.auth import role_in
from otel_sessions.telemetry import Metrics
from tests.extensions.web.conftest import ANY_PORT, Api, span

KEY = b"0123456789abcdef"
CLIENT = "203.0.113.7"


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class ByToken:
    """An authenticator that people log in to; `asked` counts."""

    header = "authorization"
    wants_name = False

    def __init__(self) -> None:
        self.asked = 0

    def header_of(self, _: str, secret: str) -> str:
        return f"Bearer {secret}"

    def authenticate(self, headers: Mapping[str, str]) -> str:
        self.asked += 1
        match headers.get("authorization", ""):
            case "Bearer right":
                return "shop"
            case "Bearer unsure":
                raise Retryable("too many ask")
        raise Unauthenticated("nobody knows it", challenge="Bearer")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(clock: Clock) -> WebAccess:
    return WebAccess(ByToken(), Logins(KEY, 60, clock), Guesses(clock))


def cookie(value: str) -> dict[str, str]:
    return {"cookie": f"other=1; {COOKIE}={value}"}


def sent(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_who_has_logged_in_is_let_in_by_the_cookie_until_it_is_over(access: WebAccess, clock: Clock) -> None:
    value = access.log_in("", "right", CLIENT)
    assert access.project_of(cookie(value), CLIENT) == "shop"
    clock.now += 59
    assert access.logged_in(cookie(value)) == "shop"
    clock.now += 2
    with pytest.raises(Unauthenticated):
        access.project_of(cookie(value), CLIENT)


def test_who_has_logged_out_is_let_in_no_more_and_others_are(access: WebAccess) -> None:
    mine, other = access.log_in("", "right", CLIENT), access.log_in("", "right", CLIENT)
    access.log_out(cookie(mine))
    assert (access.logged_in(cookie(mine)), access.logged_in(cookie(other))) == (None, "shop")


def test_credentials_in_the_header_count_before_the_cookie(access: WebAccess) -> None:
    value = access.log_in("", "right", CLIENT)
    with pytest.raises(Unauthenticated):
        access.project_of(cookie(value) | sent("wrong"), CLIENT)


@given(data=st.data())
def test_a_cookie_that_was_changed_anywhere_opens_nothing(data: st.DataObject) -> None:
    logins = Logins(KEY, 60)
    value = logins.issue(data.draw(st.text(min_size=1, max_size=30)))
    place = data.draw(st.integers(0, len(value) - 1))
    changed = value[:place] + data.draw(st.sampled_from("AZaz09-_.=\u00e9 ")) + value[place + 1 :]
    if changed != value:
        assert logins.project_of(changed) is None


@pytest.mark.parametrize("value", ["", ".", "a", "a.b", "." * 5000, "\u00e9.\u00e9", "W10.W10"])
def test_text_that_is_no_cookie_opens_nothing(value: str) -> None:
    assert Logins(KEY, 60).project_of(value) is None


def test_a_cookie_of_another_key_opens_nothing() -> None:
    assert Logins(KEY, 60).project_of(Logins(KEY[::-1], 60).issue("shop")) is None


def test_guesses_are_bounded_for_each_client_and_forgotten_with_time(access: WebAccess, clock: Clock) -> None:
    known: Any = access._authenticator
    for _ in range(MAX_GUESSES):
        with pytest.raises(Unauthenticated):
            access.project_of(sent("wrong"), CLIENT)
    with pytest.raises(TooManyRequests) as caught:
        access.log_in("", "again", CLIENT)
    assert caught.value.retry_after == GUESS_WINDOW_S
    assert known.asked == MAX_GUESSES, "nobody is asked about those beyond"
    with pytest.raises(Unauthenticated):
        access.project_of(sent("wrong"), "203.0.113.8")
    clock.now += GUESS_WINDOW_S
    assert access.project_of(sent("right"), CLIENT) == "shop"


def test_those_who_were_right_before_are_not_kept_out_by_the_guesses_of_others(access: WebAccess) -> None:
    assert access.project_of(sent("right"), CLIENT) == "shop"
    value = access.log_in("", "right", CLIENT)
    for _ in range(MAX_GUESSES):
        with pytest.raises(Unauthenticated):
            access.project_of(sent("wrong"), CLIENT)
    assert access.project_of(sent("right"), CLIENT) == "shop"
    assert access.project_of(cookie(value), CLIENT) == "shop"


def test_requests_without_credentials_and_those_nobody_could_judge_are_no_guesses(access: WebAccess) -> None:
    for _ in range(MAX_GUESSES + 1):
        with pytest.raises(Unauthenticated):
            access.project_of({}, CLIENT)
        with pytest.raises(Retryable):
            access.project_of(sent("unsure"), CLIENT)
    assert access.project_of(sent("right"), CLIENT) == "shop"


def test_a_network_of_ipv6_is_one_client(access: WebAccess) -> None:
    for number in range(MAX_GUESSES):
        with pytest.raises(Unauthenticated):
            access.project_of(sent("wrong"), f"2001:db8::{number:x}")
    with pytest.raises(TooManyRequests):
        access.project_of(sent("wrong"), "2001:db8::ffff")
    with pytest.raises(Unauthenticated):
        access.project_of(sent("wrong"), "2001:db8:0:1::1")


def test_both_authenticators_have_a_form() -> None:
    by_name = basic.BasicAuth(basic.Config.model_validate({"credentials": [{"username": "ada", "password": "pä:ss"}]}))
    by_token = bearer.BearerTokenAuth(bearer.Config.model_validate({"token": "t", "header": "X-Key", "scheme": ""}))
    for authenticator, wants_name, name, secret in ((by_name, True, "ada", "pä:ss"), (by_token, False, "", "t")):
        access = WebAccess(authenticator, Logins(KEY, 60))
        assert (access.has_form, access.wants_name) == (True, wants_name)
        assert access.logged_in(cookie(access.log_in(name, secret, CLIENT))) == "default"
        with pytest.raises(Unauthenticated):
            access.log_in(name, "wrong", CLIENT)


@pytest.fixture
def guarded(otel_client: Client, clickhouse_endpoint: Endpoint) -> Iterator[Api]:
    """The extension behind names and passwords, of two projects."""
    credentials = [
        {"username": name, "password": f"{name}-secret", "project": f"access-{name}"} for name in ("ada", "bob")
    ]
    known = basic.BasicAuth(basic.Config.model_validate({"credentials": credentials}))
    host = Host(Metrics(), clickhouse_endpoint, authenticators={ComponentId("basicauth"): known})
    config = Config(endpoint=ANY_PORT, auth={"authenticator": "basicauth"})
    web: Web = factory.create(ComponentId("web"), config, host)
    web.start()
    yield Api(web.endpoints["web"], "access-ada", otel_client)
    web.shutdown(5)


def basic_header(name: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


def test_roles_say_who_adds_and_who_deletes(otel_client: Client, clickhouse_endpoint: Endpoint) -> None:
    credentials = [
        {"username": role, "password": "x", "project": "access-roles", "role": role}
        for role in ("read", "annotate", "admin")
    ]
    known = basic.BasicAuth(basic.Config.model_validate({"credentials": credentials}))
    host = Host(Metrics(), clickhouse_endpoint, authenticators={ComponentId("basicauth"): known})
    web: Web = factory.create(ComponentId("web"), Config(endpoint=ANY_PORT, auth={"authenticator": "basicauth"}), host)
    web.start()
    try:
        api = Api(web.endpoints["web"], "access-roles", otel_client)
        api.store(span("s", 1))
        buttons = {role: _buttons(web, basic_header(role, "x")) for role in ("read", "annotate", "admin")}
        statuses = {
            role: [
                api.call(method, path, headers=basic_header(role, "x"), body=body).status
                for method, path, body in (
                    ("GET", "/sessions/s", None),
                    ("PUT", "/sessions/s/bookmark", None),
                    ("POST", "/sessions/s/comments", {"text": "hm"}),
                    ("POST", "/sessions/s/share", None),
                    ("POST", "/deletions", {"query": "id:nobody"}),
                    ("DELETE", "/sessions/s", None),
                )
            ]
            for role in ("read", "annotate", "admin")
        }
    finally:
        web.shutdown(5)
    assert buttons == {
        "read": set(),
        "annotate": (adds := {"star", "label", "score", "share", "comment", "Review", "Reviewing", "judge the turn"}),
        "admin": {*adds, "delete"},
    }, "a page has no button that is refused"
    assert statuses == {
        "read": [200, 403, 403, 403, 403, 403],
        "annotate": [200, 204, 201, 201, 403, 403],
        "admin": [200, 204, 201, 201, 202, 204],
    }


def _buttons(web: Web, headers: Mapping[str, str]) -> set[str]:
    """What the forms of the list and of a session's page do."""
    found: set[str] = set()
    for path in ("/sessions", "/sessions?query=id:s", "/sessions/s?queue=id:s"):
        connection = HTTPConnection(web.endpoints["web"], timeout=60)
        connection.request("GET", path, headers=dict(headers))
        html = connection.getresponse().read().decode()
        connection.close()
        found |= set(re.findall(r'method="post" action="/sessions/s/(\w+)"', html))
        found |= set(re.findall(r"(?<=>)(Review|Reviewing|judge the turn)\b", html))
    return found


def test_a_login_has_the_role_of_its_credentials() -> None:
    token = {"token": "t", "project": "shop", "role": "read"}
    access = WebAccess(bearer.BearerTokenAuth(bearer.Config.model_validate({"credentials": [token]})), Logins(KEY, 60))
    project = access.logged_in(cookie(access.log_in("", "t", CLIENT)))
    assert project is not None
    assert (project, role_in(project)) == ("shop", "read")


def test_the_interface_takes_credentials_of_its_projects_and_stops_guesses(guarded: Api) -> None:
    guarded.store(span("mine", 1))
    assert guarded.call("GET", "/sessions").status == 401
    ada = basic_header("ada", "ada-secret")
    assert [s["session_id"] for s in guarded.call("GET", "/sessions", headers=ada).json["sessions"]] == ["mine"]
    bob = basic_header("bob", "bob-secret")
    assert guarded.call("GET", "/sessions/mine", headers=bob).status == 404
    token = guarded.call("POST", "/sessions/mine/share", headers=ada).json["token"]
    statuses = [guarded.call("GET", "/sessions", headers=basic_header("ada", str(n))).status for n in range(12)]
    assert statuses == [401] * MAX_GUESSES + [429, 429]
    answer = guarded.call("GET", "/sessions", headers=basic_header("eve", "x"))
    assert 0 < int(answer.headers["retry-after"]) <= GUESS_WINDOW_S
    assert guarded.call("GET", "/sessions", headers=ada).status == 200
    assert guarded.call("GET", f"/share/{token}").json["session_id"] == "mine"
    assert guarded.call("GET", f"/share/{token}/traces").status == 200
    assert guarded.call("GET", f"/share/{token}/scores").status == 404


def faults(*settings: str) -> list[str]:
    try:
        load(sets=[f"extensions.web.{each}" for each in settings], to_serve=True)
    except ConfigError as error:
        return [fault.path for fault in error.faults]
    return []


@pytest.mark.parametrize("address", ["0.0.0.0:8080", ":8080", "[::]:8080", "192.0.2.1:8080", "sessions.example:8080"])
def test_a_listener_that_other_machines_reach_is_refused_without_auth_unless_told(address: str) -> None:
    assert faults(f'endpoint="{address}"') == ["extensions.web.endpoint"]
    assert faults(f'endpoint="{address}"', "allow_unauthenticated=true") == []


@pytest.mark.parametrize("address", ["127.0.0.1:8080", "127.1.2.3:8080", "[::1]:8080", "localhost:8080"])
def test_on_loopback_nobody_need_say_who_they_are(address: str) -> None:
    assert faults(f'endpoint="{address}"') == []


def answer_to(address: str, host: str, path: str, method: str = "GET") -> tuple[int, str]:
    connection = HTTPConnection(address, timeout=60)
    try:
        connection.request(method, path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_without_auth_only_names_of_this_machine_are_answered(web_host: Host) -> None:
    path = "/api/v1/openapi.json"
    with open_web(web_host, public_url="https://sessions.example.com:8443/at") as address:
        own = ["localhost", "localhost:1", "LOCALHOST:8080", "127.0.0.1:9", "127.9.9.9", "[::1]:80", "[::1]", address]
        for host in [*own, "sessions.example.com", "Sessions.example.com:8443"]:
            assert answer_to(address, host, path)[0] == 200, host
        others = [
            "evil.example",
            f"evil.example:{address.partition(':')[2]}",
            "localhost.evil.example",
            "192.0.2.7",
            "",
        ]
        for host in [*others, "127.0.0.1.evil.example", "evil@localhost", "[::2]:80"]:
            assert answer_to(address, host, path)[0] == 403, host
        for other in ("/sessions", "/api/v1/sessions", "/mcp", "/connect"):
            status, text = answer_to(address, "evil.example", other, "POST" if other == "/mcp" else "GET")
            assert (status, "public_url" in text) == (403, True), other


def test_any_name_is_answered_where_that_is_meant(web_host: Host, web: Web) -> None:
    with open_web(web_host, allow_unauthenticated=True) as address:
        assert answer_to(address, "evil.example", "/api/v1/openapi.json")[0] == 200
    assert answer_to(web.endpoints["web"], "evil.example", "/api/v1/openapi.json")[0] == 200


@contextmanager
def open_web(host: Host, **settings: Any) -> Iterator[str]:
    """The address of a server that asks nobody who they are."""
    running: Web = factory.create(ComponentId("web"), Config(endpoint=ANY_PORT, **settings), host)
    running.start()
    yield running.endpoints["web"]
    running.shutdown(5)
