"""What the configurations of both have in common: secrets that no `repr` shows, projects, files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from otel_sessions.component import DEFAULT_PROJECT, AuthenticatorSettings


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
    """ValueError for what stands there twice, which it does not repeat."""
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ValueError(f"{place}[{index}] is the same as {place}[{names.index(name)}]")


def check_one_of(named: Iterable[object], names: str) -> None:
    """ValueError unless there is one."""
    if not any(named):
        raise ValueError(f"write at least one of {names}")
