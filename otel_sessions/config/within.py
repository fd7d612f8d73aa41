"""Values of one type, wherever they stand in settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from otel_sessions.config.tree import Path

T = TypeVar("T")


def within(wanted: type[T], value: Any, path: Path) -> Iterator[tuple[Path, T]]:
    """All of them, by path."""
    if isinstance(value, wanted):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from within(wanted, getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from within(wanted, item, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from within(wanted, item, (*path, index))
