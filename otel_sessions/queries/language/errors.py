# SPDX-License-Identifier: Apache-2.0
"""What is not of the language."""

from __future__ import annotations

from collections.abc import Sequence

from otel_sessions.errors import QueryError


class LanguageError(QueryError):
    """An expression that is not of the language: HTTP 400, INVALID_ARGUMENT.

    `position` is where the word at fault begins, in code points from 0; `did_you_mean` has the known words near it, the
    nearest first, and is empty where none is.
    """

    def __init__(self, message: str, position: int, did_you_mean: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.position = position
        self.did_you_mean = tuple(did_you_mean)
