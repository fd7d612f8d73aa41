# SPDX-License-Identifier: Apache-2.0
"""`basicauth`: clients send a name and a password."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, model_validator

from otel_sessions.component import ComponentId, Factory, Host, Settings, Used
from otel_sessions.errors import ConfigError, Fault, Unauthenticated
from otel_sessions.extensions.auth.config import AuthConfig, Project, Secret, Watched, check_once, check_one_of
from otel_sessions.extensions.auth.hashes import Password, Plain, parse_htpasswd
from otel_sessions.http.auth import Member, Role
from otel_sessions.types import ReadableFile

_CHALLENGE: Final = 'Basic realm="otel-sessions", charset="UTF-8"'
_NOBODY: Final = Plain(b"")

Users = Mapping[bytes, tuple[Password, str]]


def _is_name(text: str) -> str:
    if not text or ":" in text:
        raise ValueError("write a name without colons")
    return text


class Credential(Settings):
    username: Annotated[str, AfterValidator(_is_name)]
    password: Secret
    project: Project | None = None
    role: Role = "admin"


class Htpasswd(Settings):
    """Users in the lines of Apache's htpasswd; where both have one, `inline` counts."""

    file: ReadableFile | None = None
    inline: Secret | None = None

    @model_validator(mode="after")
    def _readable(self) -> Htpasswd:
        if self.inline is not None:
            parse_htpasswd(self.inline.get_secret_value().encode())
        return self


class Config(AuthConfig):
    """The Collector's keys, and `credentials` for users with a project of their own, which count first."""

    htpasswd: Annotated[Htpasswd, BeforeValidator(lambda value: {} if value is None else value)] = Htpasswd()
    credentials: tuple[Credential, ...] = ()

    @model_validator(mode="after")
    def _sources(self) -> Config:
        named = [self.htpasswd.file, self.htpasswd.inline is not None, self.credentials]
        check_one_of(named, "htpasswd.file, htpasswd.inline, credentials")
        return self

    @model_validator(mode="after")
    def _names_of_their_own(self) -> Config:
        check_once([each.username for each in self.credentials], "credentials")
        return self

    def find_faults(self, used: Used) -> Iterator[Fault]:
        try:
            BasicAuth(self)
        except (OSError, ValueError) as error:
            yield Fault("htpasswd.file", str(error))

    def fixed(self) -> Users:
        """The users that stand in the configuration itself: password and project by name."""
        inline = parse_htpasswd(self.htpasswd.inline.get_secret_value().encode()) if self.htpasswd.inline else {}
        found: dict[bytes, tuple[Password, str]] = {name: (word, self.project) for name, word in inline.items()}
        for each in self.credentials:
            password = Plain(each.password.get_secret_value().encode())
            found[each.username.encode()] = password, Member(each.project or self.project, each.role)
        return found


class BasicAuth:
    """An `Authenticator`, and a `LoginForm`."""

    endpoints: Mapping[str, str] = {}
    header = "authorization"
    wants_name = True

    def __init__(self, config: Config) -> None:
        fixed, project = config.fixed(), config.project

        def users(content: bytes) -> Users:
            return {name: (word, project) for name, word in parse_htpasswd(content).items()} | dict(fixed)

        file = config.htpasswd.file
        self._users: Callable[[], Users] = Watched(file, users).value if file else lambda: fixed

    def start(self) -> None:
        """Nothing is to be started."""

    def shutdown(self, timeout: float) -> None:
        """Nothing is to be stopped."""

    def header_of(self, name: str, secret: str) -> str:
        """The value of the header that says this name and secret."""
        return f"Basic {b64encode(f'{name}:{secret}'.encode()).decode()}"

    def authenticate(self, headers: Mapping[str, str]) -> str:
        """The project of the client, with its role. Raises `Unauthenticated`."""
        scheme, _, value = headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() != "basic":
            raise Unauthenticated("there is no header 'authorization' of the scheme 'Basic'", challenge=_CHALLENGE)
        try:
            name, colon, password = b64decode(value.strip(), validate=True).partition(b":")
        except ValueError:
            colon = b""
        if not colon:
            raise Unauthenticated("what follows 'Basic' is not the base64 of name:password", challenge=_CHALLENGE)
        users = self._users()
        # About a name that is not known the slowest is asked, so that the answer takes no less time.
        words = (word for word, _ in users.values())
        known, project = users.get(name) or (max(words, key=lambda word: word.cost, default=_NOBODY), "")
        if not known.matches(password) or not project:
            raise Unauthenticated("the user is not known, or the password is wrong", challenge=_CHALLENGE)
        return project


def create(id_: ComponentId, config: Config, host: Host) -> BasicAuth:
    """Raises `ConfigError` where the file of htpasswd cannot be used."""
    try:
        return BasicAuth(config)
    except (OSError, ValueError) as error:
        raise ConfigError([Fault(f"extensions.{id_}.htpasswd.file", str(error))]) from error


factory = Factory("basicauth", Config, create, "Knows clients by name and password, and the project of each.")
