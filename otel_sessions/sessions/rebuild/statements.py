# SPDX-License-Identifier: Apache-2.0
"""The statements of a rebuild, from the `.sql` files beside this, with values and names bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from otel_sessions.clickhouse import inserts
from otel_sessions.clickhouse.chunks import Piece
from otel_sessions.clickhouse.sql import statement

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Place = tuple[str, str]
"""(session, trace id): the order of `otel_traces` within a project."""


def text(name: str) -> str:
    return statement(__package__, name)


def rows(client: Client, name: str, parameters: Mapping[str, Any] | None = None) -> Sequence[Sequence[Any]]:
    return client.query(text(name), parameters=dict(parameters or {})).result_rows


def insert(client: Client, sql: str, parameters: Mapping[str, Any]) -> None:
    client.command(sql, parameters=dict(parameters), settings=inserts.settings(client))


def places(piece: Piece[Place]) -> dict[str, Any]:
    """A piece as the parameters of the statements that take one."""
    high = piece.high or ("", "")
    return {
        "low_session": piece.low[0],
        "low_trace": piece.low[1],
        "high_session": high[0],
        "high_trace": high[1],
        "last": int(piece.high is None),
    }


def traces(piece: Piece[str]) -> dict[str, Any]:
    return {"low_trace": piece.low, "high_trace": piece.high or "", "last": int(piece.high is None)}
