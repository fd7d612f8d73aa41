# SPDX-License-Identifier: Apache-2.0
"""Who may read the pages and the REST interface: whoever sends credentials, or has logged in with them before.

A login is a cookie that says which project it opens and until when, signed with a key; nothing is kept of those who are
logged in, only of those who have logged out. Guesses are bounded by client, whether they come by the form or by a
header.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

import orjson

from otel_sessions.component import Authenticator, LoginForm
from otel_sessions.errors import Unauthenticated
from otel_sessions.extensions.web.problems import Forbidden, NotFound, TooManyRequests
from otel_sessions.http.auth import ROLES, Access, Member, Role, role_in

COOKIE: Final = "otel_sessions_login"
MAX_GUESSES: Final = 10
GUESS_WINDOW_S: Final = 300.0
"""How many wrong credentials a client may send within `GUESS_WINDOW_S` seconds."""
_MAX_CLIENTS: Final = 10_000
_MAX_LOGGED_OUT: Final = 100_000
_MAX_KNOWN: Final = 1_000
_MAX_COOKIE: Final = 4096

Clock = Callable[[], float]


class Logins:
    """Cookies, each for one project; `lifetime_s` is how long one is good for."""

    def __init__(self, key: bytes, lifetime_s: float, clock: Clock = time.time) -> None:
        self._key = hashlib.sha256(b"login cookie " + key).digest()
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._lock = threading.Lock()
        self._logged_out: OrderedDict[str, float] = OrderedDict()

    def issue(self, project: str) -> str:
        """The value of the cookie of a new login."""
        over = int(self._clock() + self._lifetime_s)
        body = orjson.dumps([str(project), over, secrets.token_urlsafe(16), role_in(project)])
        return f"{_encoded(body)}.{_encoded(self._signature(body))}"

    def project_of(self, cookie: str) -> str | None:
        """The project that a cookie opens; None for one that is forged, has expired or is logged out."""
        found = self._read(cookie)
        return found[0] if found else None

    def log_out(self, cookie: str) -> None:
        """Makes a cookie worthless."""
        found = self._read(cookie)
        if found is None:
            return
        with self._lock:
            self._logged_out[found[2]] = found[1]
            now = self._clock()
            while self._logged_out and next(iter(self._logged_out.values())) < now:
                self._logged_out.popitem(last=False)
            while len(self._logged_out) > _MAX_LOGGED_OUT:
                self._logged_out.popitem(last=False)

    def _read(self, cookie: str) -> tuple[str, int, str] | None:
        if not cookie.isascii() or len(cookie) > _MAX_COOKIE:
            return None
        body, signature = (_decoded(part) for part in (cookie.partition(".")[0], cookie.partition(".")[2]))
        if not hmac.compare_digest(signature, self._signature(body)):
            return None
        project, expires, nonce, role = orjson.loads(body)
        if expires <= self._clock() or nonce in self._logged_out:
            return None
        return Member(project, role), expires, nonce

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")


class Guesses:
    """How many wrong credentials each client sent lately. Those that were right once are never refused for it."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._known: OrderedDict[bytes, None] = OrderedDict()

    @contextmanager
    def one(self, client: str, credentials: str) -> Iterator[None]:
        """Counts the guess before it is made, so that many at once are not more; takes it back if it was right, or if
        nobody can tell. Raises `TooManyRequests`, then nobody is asked.
        """
        digest = hmac.digest(self._key, credentials.encode(errors="replace"), "sha256")
        failures = self._count(_network(client)) if digest not in self._known else None
        try:
            yield
        except Unauthenticated:
            raise
        except BaseException:
            self._take_back(failures)
            raise
        self._take_back(failures)
        with self._lock:
            self._known[digest] = None
            if len(self._known) > _MAX_KNOWN:
                self._known.popitem(last=False)

    def _count(self, name: str) -> deque[float]:
        now = self._clock()
        with self._lock:
            failures = self._failures.setdefault(name, deque())
            self._failures.move_to_end(name)
            while failures and failures[0] <= now - GUESS_WINDOW_S:
                failures.popleft()
            if len(failures) >= MAX_GUESSES:
                raise TooManyRequests("too many wrong credentials came from here", failures[0] + GUESS_WINDOW_S - now)
            failures.append(now)
            if len(self._failures) > _MAX_CLIENTS:
                self._failures.popitem(last=False)
            return failures

    def _take_back(self, failures: deque[float] | None) -> None:
        with self._lock:
            if failures:
                failures.pop()


class WebAccess(Access):
    """Asks the cookie of a login, else the authenticator; without an authenticator everybody is let in."""

    def __init__(self, authenticator: Authenticator | None, logins: Logins, guesses: Guesses | None = None) -> None:
        super().__init__(authenticator)
        known: Any = authenticator
        self._form: LoginForm | None = known if isinstance(known, LoginForm) else None
        self._header = self._form.header if self._form else "authorization"
        self._logins = logins
        self._guesses = guesses or Guesses()

    @property
    def has_form(self) -> bool:
        """Whether people can log in."""
        return self._form is not None

    @property
    def wants_name(self) -> bool:
        """Whether the form asks for a name beside the secret."""
        return self._form is not None and self._form.wants_name

    def has_credentials(self, headers: Mapping[str, str]) -> bool:
        """Whether a request says by itself who sends it."""
        return bool(headers.get(self._header))

    def project_of(self, headers: Mapping[str, str], client: str) -> str:
        """Raises `Unauthenticated`, and `TooManyRequests` after too many wrong guesses."""
        credentials = headers.get(self._header, "")
        if self.is_open or not credentials:
            project = None if self.is_open else self.logged_in(headers)
            return super().project_of(headers, client) if project is None else project
        with self._guesses.one(client, credentials):
            return super().project_of(headers, client)

    def logged_in(self, headers: Mapping[str, str]) -> str | None:
        """The project of the login that the cookie of a request stands for; None without one."""
        return self._logins.project_of(_cookie(headers))

    def log_in(self, name: str, secret: str, client: str) -> str:
        """The value of the cookie of a login. Raises `Unauthenticated`, `TooManyRequests`, and `NotFound` without a
        form.
        """
        if self._form is None:
            raise NotFound("nobody logs in here")
        header = self._form.header_of(name, secret)
        return self._logins.issue(self.project_of({self._header: header}, client))

    def log_out(self, headers: Mapping[str, str]) -> None:
        self._logins.log_out(_cookie(headers))


def check_role(project: str, needed: Role) -> None:
    """Raises `Forbidden` where the reader's role in the project does not go so far."""
    if not goes_as_far_as(project, needed):
        raise Forbidden(f"this takes the role {needed!r}; these credentials have {role_in(project)!r}")


def goes_as_far_as(project: str, needed: Role) -> bool:
    """Whether the reader's role in the project is this one or a greater."""
    return ROLES.index(role_in(project)) >= ROLES.index(needed)


def _cookie(headers: Mapping[str, str]) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _network(client: str) -> str:
    """What a client cannot change at will: its IPv4 address, or the network of 64 bits of its IPv6 address."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
    return client


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    """What was encoded as exactly this text; b"" where nothing was."""
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""
    return found if base64.urlsafe_b64encode(found).rstrip(b"=") == text.rstrip("=").encode() else b""
