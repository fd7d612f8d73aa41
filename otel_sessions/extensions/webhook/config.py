# SPDX-License-Identifier: Apache-2.0
"""The configuration of `webhook`."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr, model_validator

from otel_sessions.component import DEFAULT_PROJECT, Settings
from otel_sessions.extensions.idle_hook import HookSettings
from otel_sessions.http.tls import ClientTls
from otel_sessions.queries.metrics import Series
from otel_sessions.queries.shapes import Group
from otel_sessions.types import EMPTY_MEANS_DEFAULTS, Duration

_DAY = 86_400.0
_PREFIX: Final = "whsec_"
_LEAST, _MOST = 24, 64
"""Bytes of a key."""


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")) or any(character in text for character in " #"):
        raise ValueError("write where to tell of sessions, as in https://hooks.example.com/sessions")
    return text


def key_of(secret: str) -> bytes:
    """The key in a secret as the specification writes it; ValueError says how that is."""
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True) if secret.startswith(_PREFIX) else b""
    except binascii.Error:
        key = b""
    if not _LEAST <= len(key) <= _MOST:
        raise ValueError('write "whsec_" and 24 to 64 random bytes in base64, as `openssl rand -base64 32` gives')
    return key


def _key(secret: SecretStr) -> SecretStr:
    key_of(secret.get_secret_value())
    return secret


Url = Annotated[str, AfterValidator(_url)]
Key = Annotated[SecretStr, AfterValidator(_key)]


class Alert(Settings):
    """A `metric` of the sessions that the saved view `view` of a project chooses, over the last `window` seconds, that
    is `above` or `below` a number. Looked at every `interval`; a change is told when it has lasted for `for`, seconds.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    view: Annotated[str, Field(min_length=1)]
    project: str = DEFAULT_PROJECT
    metric: Series
    above: Annotated[float, Field(allow_inf_nan=False)] | None = None
    below: Annotated[float, Field(allow_inf_nan=False)] | None = None
    window: Annotated[Duration, Field(ge=60, le=30 * _DAY)] = 900.0
    interval: Annotated[Duration, Field(ge=0.1, le=_DAY)] = 60.0
    lasting: Annotated[Duration, Field(ge=0, le=_DAY, alias="for")] = 120.0

    @model_validator(mode="after")
    def _has_one_bound(self) -> Alert:
        if (self.above is None) == (self.below is None):
            raise ValueError("write one of above and below")
        return self

    def is_beyond(self, value: float | None) -> bool:
        """Whether a figure rings the alert; None, no figure, does not."""
        if value is None:
            return False
        return value > self.above if self.above is not None else self.below is not None and value < self.below


class Config(HookSettings):
    """`secret` signs; those of `old_secrets` too, while receivers change over. `fields` are groups of REST's."""

    url: Url
    secret: Key
    old_secrets: tuple[Key, ...] = ()
    headers: Mapping[str, SecretStr] = Field(default_factory=dict)
    fields: tuple[Group, ...] = ("core", "usage")
    alerts: tuple[Alert, ...] = ()
    timeout: Annotated[Duration, Field(gt=0, le=60)] = 10.0
    tls: Annotated[ClientTls, EMPTY_MEANS_DEFAULTS] = ClientTls()

    @model_validator(mode="after")
    def _alerts_have_names_of_their_own(self) -> Config:
        names = [alert.name for alert in self.alerts]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"several alerts are called {', '.join(twice)}")
        return self

    @property
    def keys(self) -> list[bytes]:
        return [key_of(each.get_secret_value()) for each in (self.secret, *self.old_secrets)]
