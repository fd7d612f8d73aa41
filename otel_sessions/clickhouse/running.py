# SPDX-License-Identifier: Apache-2.0
"""Waits for inserts that are under way: what they have told some tables, and not yet the others, is not left behind."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from clickhouse_connect.driver.exceptions import ClickHouseError

from otel_sessions.clickhouse.sql import statement

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

WITHOUT_A_LOOK_S: Final = 10.0
"""How long to wait where the server does not say which inserts run."""
LONGEST_S: Final = 600.0
_PAUSE_S: Final = 0.02


def wait_for_inserts(client: Client) -> None:
    """Returns when every insert that runs began after this call, or after `LONGEST_S`."""
    begin = time.monotonic()
    while (waited := time.monotonic() - begin) < LONGEST_S and _running(client, waited):
        time.sleep(_PAUSE_S)


def _running(client: Client, seconds: float) -> bool:
    """Whether an insert runs that is older than so many seconds."""
    try:
        return bool(client.query(statement(__package__, "running_inserts"), {"seconds": seconds}).result_rows[0][0])
    except ClickHouseError:
        return seconds < WITHOUT_A_LOOK_S
