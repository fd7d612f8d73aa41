"""Nothing fails the application, not even its end; nor is the import heavy. In processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.sdk.receiver import receiving

ENDING = """
import atexit
from otel_sessions import get_client, observe, session, session_start, update_current_trace

@observe
def work(x):
    update_current_trace(session_id="s")
    session_start("s")
    get_client().score_session(session_id="s", name="x", value=1)
    return x

class Late:
    def __del__(self):
        print("finalized", work(4))

late = Late()
atexit.register(lambda: print("exiting", work(3)))
with session("s"):
    print("running", work(1))
"""
LIGHT = """
import sys
from otel_sessions import SessionSpanProcessor, configure, get_client, observe, session, update_current_trace
heavy = {"grpc", "google", "requests", "pyarrow", "clickhouse_connect", "chdb", "yaml"}
sys.exit(", ".join(heavy & set(sys.modules)) or 0)
"""


def run(code: str, **environment: str) -> str:
    """What it prints; AssertionError if it fails or says more than warnings."""
    with receiving() as receiver:
        ended = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OTEL_SESSIONS_SCORES_ENDPOINT": receiver.url, **environment},
            check=False,
            capture_output=True,
            text=True,
            timeout=100,
        )
    assert ended.returncode == 0, ended.stderr
    assert "Error" not in ended.stderr
    return ended.stdout


@pytest.mark.parametrize(
    "environment",
    [{"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_SDK_DISABLED": "true"}, {"OTEL_SESSIONS_AUTO_CONFIGURE": "false"}],
    ids=str,
)
def test_the_application_runs_to_its_end(environment: dict[str, str]) -> None:
    assert run(ENDING, **environment) == "running 1\nexiting 3\nfinalized 4\n"


def test_the_helpers_need_nothing_heavy() -> None:
    run(LIGHT)
