# SPDX-License-Identifier: Apache-2.0
"""`evaluation`: calls an evaluator, which a plugin brings, with every session that has fallen idle; stores its scores.

`extensions.idle_hook` says what is promised. The id of a score is made of evaluator, session, name and anchor, and its
time is that of the decision: who stores the answers to one revision again changes nothing, to a later one replaces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Annotated, Any

import orjson
from clickhouse_connect.driver.client import Client
from pydantic import Field

from otel_sessions.clickhouse.client import Endpoint, endpoint_needed
from otel_sessions.component import ComponentId, Factory, Host, Settings, Used
from otel_sessions.config.plugins import load
from otel_sessions.config.typed import validate
from otel_sessions.errors import ConfigError, Fault, OtelSessionsError
from otel_sessions.evaluators import GROUP, MAX_ANSWERS, Answer, Evaluator, IdleSession
from otel_sessions.extensions.idle_hook import SETTLED_S, Hook, HookSettings
from otel_sessions.queries import detail, shapes
from otel_sessions.queries.spoken import spoken
from otel_sessions.sessions import scores
from otel_sessions.sessions.hooks import Notice
from otel_sessions.sessions.scores import DataType, Score


class Config(HookSettings):
    """`evaluator` is the name of its entry point, `config` its own configuration."""

    evaluator: Annotated[str, Field(min_length=1)]
    config: Mapping[str, Any] = Field(default_factory=dict)

    def find_faults(self, used: Used) -> Iterator[Fault]:
        yield from super().find_faults(used)
        try:
            self.loaded()
        except ConfigError as error:
            yield from error.faults

    def loaded(self) -> tuple[Factory[Any], Settings]:
        """The evaluator's factory and its configuration. Raises `ConfigError`, paths relative to this."""
        factory = load(GROUP, "evaluator", self.evaluator, "evaluator")
        return factory, validate(factory.config, dict(self.config), ("config",), {})


class Evaluation(Hook):
    """One thread, from `start` to `shutdown`, which waits for the session that is being evaluated."""

    def __init__(
        self,
        id_: str,
        config: HookSettings,
        evaluator: Evaluator,
        endpoint: Endpoint,
        host: Host,
        *,
        settled_s: float = SETTLED_S,
    ) -> None:
        super().__init__(id_, config, endpoint, host, fields=("core",), settled_s=settled_s)
        self._evaluator = evaluator

    def attempt(self, client: Client, notice: Notice) -> str | None:
        """Stores what the evaluator answers of a session; returns why it has not, or None."""
        scope: Any = {"project": notice.project, "session_id": notice.session_id}
        row = detail.get_session(client, **scope, now_ns=notice.decided_at * 10**6)
        if row is None:  # it was deleted meanwhile
            return None
        row.pop("Share")
        session = IdleSession(
            notice.project,
            notice.session_id,
            notice.revision,
            {**shapes.session(row, shapes.GROUPS), "state": "idle"},
            partial(spoken, client, **scope),
        )
        try:
            answers = list(islice(self._evaluator.evaluate(session), MAX_ANSWERS))
        except OtelSessionsError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises
            return f"the evaluator raises {type(error).__name__}: {str(error)[:500]}"
        scores.store(client, [score_of(self._id, notice, answer) for answer in answers])
        return None


def score_of(evaluator: str, notice: Notice, answer: Answer) -> Score:
    """The id of a score, the same for the same answer to the same revision of a session."""
    parts = (evaluator, notice.project, notice.session_id, answer.name, answer.trace_id, answer.span_id)
    at = datetime.fromtimestamp(notice.decided_at / 1000, UTC)
    kind: DataType = "NUMERIC"
    if isinstance(answer.value, bool):
        kind = "BOOLEAN"
    elif isinstance(answer.value, str):
        kind = "CATEGORICAL"
    is_text = isinstance(answer.value, str)
    return Score(
        project=notice.project,
        score_id=f"eval_{hashlib.sha256(chr(0).join(parts).encode('utf-8', 'surrogatepass')).hexdigest()[:32]}",
        name=answer.name,
        data_type=kind,
        value=0.0 if is_text else float(answer.value),
        string_value=str(answer.value) if kind != "NUMERIC" else "",
        session_id="" if answer.trace_id else notice.session_id,
        trace_id=answer.trace_id,
        span_id=answer.span_id,
        comment=answer.comment,
        source="evaluator",
        metadata=orjson.dumps({"evaluator": evaluator, "revision": notice.revision}).decode(),
        environment="default",
        timestamp=at,
        updated_at=at,
    )


def _create(component_id: ComponentId, config: Config, host: Host) -> Evaluation:
    """Raises `ConfigError` where the service has no sessions, or the evaluator is not to be had."""
    endpoint = endpoint_needed(host, component_id, "evaluates the sessions")
    factory_, settings = config.loaded()
    evaluator = factory_.create(component_id, settings, host)
    return Evaluation(str(component_id), config, evaluator, endpoint, host)


factory = Factory("evaluation", Config, _create, "Lets an evaluator of a plugin score sessions that have fallen idle.")
