"""What a test may ask of the log that the library under test wrote."""

from __future__ import annotations

import pytest


def unexpected(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged beside refusals: those are told by threads of the listener, the last of one test in the next."""
    return [each.getMessage() for each in caplog.records if each.name != "otel_sessions.refused"]


def told_by(caplog: pytest.LogCaptureFixture, logger: str) -> list[str]:
    """The lines of one logger, whatever threads of others say meanwhile."""
    return [each.getMessage() for each in caplog.records if each.name == logger]
