"""The demo's chats, sent once to a receiver, and their requests stored in ClickHouse."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

from tests.demo.playing import Sent, play, store


@pytest.fixture(scope="session")
def sent() -> Sent:
    return play("chat")


@pytest.fixture(scope="session")
def stored(sent: Sent, otel_client: Client) -> str:
    """The project in which the demo's sessions are."""
    return store(sent, otel_client)
