"""Waits for inserts that began before the views on their table were what they are now."""

from __future__ import annotations

import time

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from otel_sessions.sessions.rebuild import statements

WITHOUT_A_LOOK_S = 10.0
"""How long to wait where the server does not say which inserts run."""
LONGEST_S = 600.0
_PAUSE_S = 0.02


def wait_for_inserts(client: Client) -> None:
    """Returns when every insert that runs began after this call, or after `LONGEST_S`."""
    begin = time.monotonic()
    while (waited := time.monotonic() - begin) < LONGEST_S and _running(client, waited):
        time.sleep(_PAUSE_S)


def _running(client: Client, seconds: float) -> bool:
    """Whether an insert runs that is older than so many seconds."""
    try:
        return bool(statements.rows(client, "running_inserts", {"seconds": seconds})[0][0])
    except ClickHouseError:
        return seconds < WITHOUT_A_LOOK_S
