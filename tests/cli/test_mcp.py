"""`otel-sessions mcp` as a client starts it, over its standard streams."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from otel_sessions.extensions.web.mcp import http as mcp_http
from tests.cli.conftest import Run, Served, write_config
from tests.integration.running import command


def ask(config: Path, *calls: tuple[str, dict[str, Any]], mode: str = "auto") -> list[Any]:
    """The results of tools of one process."""

    async def session() -> list[Any]:
        arguments = ["-m", "otel_sessions", "mcp", "--config", str(config)]
        async with Client(StdioServerParameters(command=sys.executable, args=arguments), mode=mode) as client:
            assert len((await client.list_tools()).tools) == 6
            return [await client.call_tool(name, given) for name, given in calls]

    return asyncio.run(session())


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_reads_through_the_running_service(served: Served, mode: str) -> None:
    found, read, counted = ask(
        served.config,
        ("find_sessions", {"query": "user:katherine"}),
        ("read_session", {"session_id": "warranty-test"}),
        ("query_sql", {"sql": "SELECT TraceCount FROM sessions WHERE SessionId = 'hut-tour-test'"}),
        mode=mode,
    )
    assert [session["session_id"] for session in found.structured_content["sessions"]] == ["warranty-test"]
    assert len(read.structured_content["turns"]) == 2
    assert counted.structured_content["rows"] == [[6]]


def test_data_that_nobody_owns_are_opened_for_each_call(tmp_path: Path) -> None:
    config = write_config(tmp_path, f"chdb://{tmp_path / 'data'}")
    (missing,) = ask(config, ("find_sessions", {}))
    assert "there is no data" in missing.structured_content["error"]["detail"]
    assert command("migrate", "--config", str(config)).returncode == 0
    found, counted = ask(config, ("find_sessions", {}), ("query_sql", {"sql": "SELECT count() FROM sessions"}))
    assert found.structured_content["sessions"] == []
    assert counted.structured_content["rows"] == [[0]]


def test_without_the_extra_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_http, "is_installed", lambda: False)
    result = run("mcp")
    assert (result.exit_code, "pip install '.[mcp]'" in result.stderr) == (1, True)
