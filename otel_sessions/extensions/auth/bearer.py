# SPDX-License-Identifier: Apache-2.0
"""`bearertokenauth`: clients send a token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hmac import compare_digest
from typing import Annotated, Final

from pydantic import AfterValidator, SecretStr, model_validator

from otel_sessions.component import ComponentId, Factory, Host, Settings, Used
from otel_sessions.errors import ConfigError, Fault, Unauthenticated
from otel_sessions.extensions.auth.config import AuthConfig, Project, Secret, Watched, check_once, check_one_of
from otel_sessions.extensions.auth.hashes import digest
from otel_sessions.http.auth import Member, Role
from otel_sessions.types import ReadableFile

_SOURCES: Final = "token, tokens, filename, credentials"


def _sendable(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise ValueError("is no token: a header takes printable ASCII, without white space around it")
    return secret


Token = Annotated[Secret, AfterValidator(_sendable)]


class Credential(Settings):
    token: Token
    project: Project | None = None
    role: Role = "admin"


class Config(AuthConfig):
    """The Collector's keys, and `credentials` for tokens with a project of their own."""

    scheme: str = "Bearer"
    header: str = "Authorization"
    token: Token | None = None
    tokens: tuple[Token, ...] = ()
    filename: ReadableFile | None = None
    credentials: tuple[Credential, ...] = ()

    @model_validator(mode="after")
    def _sources(self) -> Config:
        check_one_of([self.token is not None, self.tokens, self.filename, self.credentials], _SOURCES)
        return self

    @model_validator(mode="after")
    def _one_source(self) -> Config:
        if sum(map(bool, (self.token, self.tokens, self.filename))) > 1:
            raise ValueError("write one of token, tokens and filename; credentials may stand beside it")
        return self

    @model_validator(mode="after")
    def _tokens_of_their_own(self) -> Config:
        check_once([_text(each.token) for each in self.credentials], "credentials")
        return self

    def find_faults(self, used: Used) -> Iterator[Fault]:
        try:
            BearerTokenAuth(self)
        except (OSError, ValueError) as error:
            yield Fault("filename", str(error))

    def fixed(self) -> list[tuple[bytes, str]]:
        """The tokens that stand here, each with its project; the first of equal ones counts."""
        found: list[tuple[str, str]] = [
            (_text(each.token), Member(each.project or self.project, each.role)) for each in self.credentials
        ]
        found += [(_text(token), self.project) for token in (self.token, *self.tokens) if token is not None]
        return [(token.encode(), project) for token, project in found]


def _text(secret: SecretStr) -> str:
    return secret.get_secret_value()


class Tokens:
    """The project of each token. A look at one compares all of them, so that the time tells nothing."""

    def __init__(self, tokens: Iterable[tuple[bytes, str]]) -> None:
        self._tokens = [(digest(token), project) for token, project in tokens]

    def project_of(self, token: bytes) -> str | None:
        """The project of a token; None for one that is not known."""
        wanted = digest(token)
        found = [project for known, project in self._tokens if compare_digest(known, wanted)]
        return found[0] if found else None


class BearerTokenAuth:
    """An `Authenticator`, and a `LoginForm`."""

    endpoints: Mapping[str, str] = {}
    wants_name = False

    def __init__(self, config: Config) -> None:
        self._scheme = config.scheme.strip()
        self.header = config.header.lower()
        self._project = config.project
        self._tokens = Tokens(config.fixed())
        self._file = Watched(config.filename, self._parse) if config.filename else None

    def start(self) -> None:
        """Nothing is to be started."""

    def shutdown(self, timeout: float) -> None:
        """Nothing is to be stopped."""

    def header_of(self, name: str, secret: str) -> str:
        """The value of the header that says this token; the name counts for nothing."""
        return f"{self._scheme} {secret}".strip()

    def authenticate(self, headers: Mapping[str, str]) -> str:
        """The project of the client, with its role. Raises `Unauthenticated`."""
        text = headers.get(self.header, "").strip()
        if not text:
            raise self._refusal(f"there is no header {self.header!r} with a token")
        scheme, _, token = text.partition(" ") if self._scheme else ("", "", text)
        if scheme.lower() != self._scheme.lower():
            raise self._refusal(f"the header {self.header!r} is not of the scheme {self._scheme!r}")
        secret = token.strip().encode(errors="replace")
        found = [tokens.project_of(secret) for tokens in (self._tokens, self._file and self._file.value()) if tokens]
        project = next(filter(None, found), None)
        if project is None:
            raise self._refusal("the token is not known")
        return project

    def _refusal(self, message: str) -> Unauthenticated:
        return Unauthenticated(message, challenge=f'{self._scheme or "Bearer"} realm="otel-sessions"')

    def _parse(self, content: bytes) -> Tokens:
        """The tokens of a file that has one a line. Raises ValueError if it has none."""
        tokens = list(filter(None, map(bytes.strip, content.splitlines())))
        if not tokens:
            raise ValueError("has no token")
        return Tokens((token, self._project) for token in tokens)


def create(id_: ComponentId, config: Config, host: Host) -> BearerTokenAuth:
    """Raises `ConfigError` where the file of tokens cannot be used."""
    try:
        return BearerTokenAuth(config)
    except (OSError, ValueError) as error:
        raise ConfigError([Fault(f"extensions.{id_}.filename", str(error))]) from error


factory = Factory("bearertokenauth", Config, create, "Knows clients by a token, and the project of each.")
