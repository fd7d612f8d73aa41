# SPDX-License-Identifier: Apache-2.0
"""`get_client`: observations and scores without a decorator. The names are those of Langfuse's Python SDK 3."""

from __future__ import annotations

from typing import Final, Unpack

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import get_current_span, get_tracer_provider

from otel_sessions.sdk import scores, trace
from otel_sessions.sdk.observations import Fields, Observation, Starting
from otel_sessions.sdk.safely import Safely

_flushing = Safely("flushing")


class Client(Starting):
    """Starts observations below the current span, updates what is current, sends scores. Nothing it does raises.

    It has no state: it works with whatever tracer provider is installed, and installs the default one of `configure`
    at the first observation if there is none.
    """

    __slots__ = ()

    def update_current_span(self, *, name: str | None = None, **more: Unpack[Fields]) -> None:
        """Says more of the current span, whoever started it."""
        Observation(get_current_span()).update(name=name, **more)

    def update_current_generation(self, *, name: str | None = None, **more: Unpack[Fields]) -> None:
        """Says more of the current call of a model: `model`, `usage_details`, `cost_details`, ..."""
        Observation(get_current_span()).update(name=name, **more)

    def update_current_trace(self, **more: Unpack[trace.TraceFields]) -> None:
        """See `otel_sessions.update_current_trace`."""
        trace.update(get_current_span(), more)

    def get_current_trace_id(self) -> str | None:
        ids = get_current_span().get_span_context()
        return f"{ids.trace_id:032x}" if ids.is_valid else None

    def get_current_observation_id(self) -> str | None:
        ids = get_current_span().get_span_context()
        return f"{ids.span_id:016x}" if ids.is_valid else None

    def create_score(
        self,
        *,
        name: str,
        value: float | str | bool,
        session_id: str | None = None,
        trace_id: str | None = None,
        observation_id: str | None = None,
        **more: Unpack[scores.ScoreFields],
    ) -> None:
        """Scores a session, a trace or an observation by its id, in the background."""
        scores.send(name, value, more, session_id=session_id, trace_id=trace_id, observation_id=observation_id)

    def score_session(
        self, *, session_id: str, name: str, value: float | str | bool, **more: Unpack[scores.ScoreFields]
    ) -> None:
        """Scores a session."""
        scores.send(name, value, more, session_id=session_id)

    def score_current_trace(self, *, name: str, value: float | str | bool, **more: Unpack[scores.ScoreFields]) -> None:
        """Scores the current trace; without one, nothing happens."""
        if trace_id := self.get_current_trace_id():
            scores.send(name, value, more, trace_id=trace_id)

    def score_current_span(self, *, name: str, value: float | str | bool, **more: Unpack[scores.ScoreFields]) -> None:
        """Scores the current span; without one, nothing happens."""
        if trace_id := self.get_current_trace_id():
            scores.send(name, value, more, trace_id=trace_id, observation_id=self.get_current_observation_id())

    def auth_check(self) -> bool:
        """True: whether credentials are right shows when spans are sent."""
        return True

    def flush(self, timeout: float = 10.0) -> None:
        """Returns when all ended spans and all scores were sent, or `timeout` seconds have passed for the scores."""
        with _flushing:
            provider = get_tracer_provider()
            if isinstance(provider, TracerProvider):
                provider.force_flush(int(timeout * 1000))
            scores.SCORES.flush(timeout)

    def shutdown(self) -> None:
        """Flushes, and shuts the tracer provider down: no span is recorded after that."""
        self.flush()
        with _flushing:
            provider = get_tracer_provider()
            if isinstance(provider, TracerProvider):
                provider.shutdown()


_CLIENT: Final = Client()


def get_client(**_: object) -> Client:
    """The client; there is one. Arguments, such as another client's `public_key`, mean nothing."""
    return _CLIENT
