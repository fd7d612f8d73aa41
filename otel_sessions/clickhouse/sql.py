# SPDX-License-Identifier: Apache-2.0
"""Statements live in `.sql` files beside the module that runs them; this is the one place that reads them.

A line `${../parts/claim}` in a file stands for the file of that name, from where the first one is: what several
statements say is written once.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PART = re.compile(r"^\$\{([\w./]+)\}\n", re.MULTILINE)


@cache
def statement(package: str, name: str) -> str:
    """The text of `NAME.sql` in `package`, parts included; callers pass their `__package__`."""
    return read(_ROOT.joinpath(*package.split("."), f"{name}.sql"))


def read(file: Path) -> str:
    """The text of a file, parts included."""
    return _PART.sub(lambda part: read(file.parent / f"{part[1]}.sql"), file.read_text("utf-8"))
