# SPDX-License-Identifier: Apache-2.0
"""Keeps passwords and tokens out of messages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from otel_sessions.config.document import Path
from otel_sessions.errors import Fault

_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)|secret|tokens?$|api[-_]?key|credential|authorization|private[-_]?key|headers", re.I
)
_USERINFO = re.compile(r"(?:(?<=://)|^)[^\s/]+:\S+(?=@)")
_SHORTEST = 3
HIDDEN = "***"


class Scrubber:
    """Hides the secrets of one configuration: values under keys that sound like it, and the user part of URLs."""

    def __init__(self, tree: Any) -> None:
        found = {secret for path, value in walk(tree) for secret in _secrets(path, value)}
        spelled = found | {repr(text)[1:-1] for text in found} | {unquote(text) for text in found}
        self._secrets = sorted((text for text in spelled if len(text) >= _SHORTEST), key=len, reverse=True)

    def text(self, message: str) -> str:
        for secret in self._secrets:
            message = message.replace(secret, HIDDEN)
        return message

    def fault(self, fault: Fault) -> Fault:
        """The fault with its message on one line and without secrets."""
        return Fault(fault.path, " ".join(self.text(fault.message).split()))


def _secrets(path: Path, value: Any) -> Iterator[str]:
    if value is None:
        return
    if any(isinstance(step, str) and _SECRET_KEY.search(step) for step in path):
        yield str(value)
    for userinfo in _USERINFO.findall(str(value)):
        yield userinfo
        yield userinfo.partition(":")[2]


def walk(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every scalar of a tree of maps and lists, with its path."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from walk(value, (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from walk(value, (*path, index))
    else:
        yield path, tree
