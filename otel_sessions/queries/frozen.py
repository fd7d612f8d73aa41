# SPDX-License-Identifier: Apache-2.0
"""Reads the copy that a frozen link has of its session by the same statements as the session itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from otel_sessions.clickhouse.sql import statement

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

_BEGINNING: Final = re.compile(r"(?:\s*--[^\n]*\n)*\s*(WITH\b)?")
_NOT_COPIED: Final = re.compile(
    r"\b(FROM|JOIN)\s+(otel_traces|session_users|_session_turns|_session_activity|_trace_claims|_correct)"
)


class _FrozenClient:
    """Puts the definitions of `sql/frozen.sql` before each statement: the names of the views are then the copy's."""

    def __init__(self, client: Client, project: str, token_hash: str) -> None:
        self._client = client
        self._bound = {"shared_project": project, "shared_token_hash": token_hash}

    def raw_query(self, query: str, parameters: dict[str, Any] | None = None, **more: Any) -> bytes:
        """Raises `ValueError` for a statement that reads a table of which there is no copy, as that has later spans."""
        if _NOT_COPIED.search(query):
            raise ValueError("a statement that reads more than the views of sessions knows no frozen session")
        beginning = _BEGINNING.match(query)
        assert beginning is not None
        copies = statement(f"{__package__}.sql", "frozen").rstrip() + (",\n" if beginning[1] else "\n")
        defined = copies + query[beginning.end() :]
        return self._client.raw_query(defined, parameters={**(parameters or {}), **self._bound}, **more)


def frozen(client: Client, *, project: str, token_hash: str) -> Client:
    """A client to which the views hold only the session that was published under this token, as it was then."""
    return cast("Client", _FrozenClient(client, project, token_hash))


def is_frozen(client: Client) -> bool:
    """Whether it is one of `frozen`, to which there are the views only."""
    return isinstance(client, _FrozenClient)
