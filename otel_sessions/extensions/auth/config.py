# SPDX-License-Identifier: Apache-2.0
"""What `basicauth` and `bearertokenauth` share: secrets that no `repr` shows, projects, files that are read anew."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, SecretStr

from otel_sessions.component import DEFAULT_PROJECT, AuthenticatorSettings

T = TypeVar("T")
_logger = logging.getLogger(__name__)


def _not_blank(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().strip():
        raise ValueError("is empty")
    return secret


def _is_project(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("write the name of a project, in printable characters")
    return text


Secret = Annotated[SecretStr, AfterValidator(_not_blank)]
Project = Annotated[str, AfterValidator(_is_project)]


class AuthConfig(AuthenticatorSettings):
    """`project` is that of every credential that names none."""

    project: Project = DEFAULT_PROJECT


def check_once(names: Sequence[str], place: str) -> None:
    """Raises ValueError where a name comes twice; the text names the places, not the name, which may be a secret."""
    twice = [(index, names.index(name)) for index, name in enumerate(names) if name in names[:index]]
    if twice:
        raise ValueError(", ".join(f"{place}[{index}] is the same as {place}[{first}]" for index, first in twice))


def check_one_of(named: Iterable[object], names: str) -> None:
    """Raises ValueError unless one of the values is set; the text lists `names`."""
    if not any(named):
        raise ValueError(f"write at least one of {names}")


class Watched(Generic[T]):
    """What `parse` makes of the file's bytes.

    Creation raises OSError, or the ValueError of `parse`. A later content that cannot be read changes nothing but the
    log: who had access keeps it. Any thread may ask.
    """

    def __init__(self, path: str, parse: Callable[[bytes], T]) -> None:
        self._path = Path(path)
        self._parse = parse
        self._lock = Lock()
        self._stamp = self._look()
        self._value = parse(self._path.read_bytes())

    def value(self) -> T:
        """What the file says now, or said when it could be read last."""
        with self._lock:
            stamp = self._look()
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._value = self._parse(self._path.read_bytes())
                except (OSError, ValueError) as error:
                    problem = error.strerror if isinstance(error, OSError) else error
                    _logger.error("%s: %s; what it said before stays in force", self._path, problem)  # noqa: TRY400
                else:
                    _logger.info("%s has changed and was read again", self._path)
            return self._value

    def _look(self) -> tuple[int, ...] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
