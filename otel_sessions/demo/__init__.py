# SPDX-License-Identifier: Apache-2.0
"""An application to try the service with: real OpenTelemetry SDK, real OTLP, a model that costs nothing."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence

from otel_sessions.demo.scenarios import SCENARIOS, Scenario
from otel_sessions.demo.stage import Stage
from otel_sessions.demo.tracing import Tally

__all__ = ["SCENARIOS", "Scenario", "Tally", "run"]


def run(
    endpoint: str,
    *,
    scenarios: Sequence[str] = ("chat",),
    run_id: str | None = None,
    now_ns: int | None = None,
    on_turn: Callable[[str], None] = lambda _: None,
) -> tuple[Tally, ...]:
    """Sends the sessions of these scenarios, all of them past, to the OTLP/gRPC `endpoint`, as in `http://127.0.0.1:4317`.

    Returns what each session must show, once all spans were sent. `run_id` ends the session ids and is random by
    default: each run makes new sessions with the same figures. `on_turn` is called with the session id after each turn.
    Raises `ConnectionError` when nobody takes the spans.
    """
    stage = Stage(endpoint, run_id or secrets.token_hex(2), time.time_ns() if now_ns is None else now_ns, on_turn)
    try:
        for name in scenarios:
            SCENARIOS[name].play(stage)
        stage.flush()
    finally:
        stage.shutdown()
    return tuple(stage.tallies)
