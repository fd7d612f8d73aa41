"""How commands tell how far long work is."""

from __future__ import annotations

import io
from collections.abc import Generator

import pytest

from otel_sessions.cli.output import follow
from otel_sessions.clickhouse.chunks import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_never_stands_at_none_of_an_unknown_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    before: list[str] = []

    def steps() -> Generator[Progress, None, int]:
        before.append(terminal.getvalue())
        for done in range(3):
            yield Progress(done, 2, "deleting sessions")
        return 2

    assert follow(steps()) == 2
    assert "0/" not in before[0]
    assert "deleting sessions" in terminal.getvalue()
    assert "2/2" in terminal.getvalue()
    assert "/?" not in terminal.getvalue()
