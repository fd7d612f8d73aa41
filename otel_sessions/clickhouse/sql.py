"""Statements live in `.sql` files beside the module that runs them; this is the one place that reads them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statement(package: str, name: str) -> str:
    """The text of `NAME.sql` in `package`; callers pass their `__package__`."""
    return files(package).joinpath(f"{name}.sql").read_text("utf-8")
