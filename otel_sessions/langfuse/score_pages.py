# SPDX-License-Identifier: Apache-2.0
"""Which scores a request asks for: parameters of the lists, in pages (v2) and behind cursors (v3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from otel_sessions.config.typed import Plain
from otel_sessions.langfuse.answers import Page
from otel_sessions.langfuse.score_body import WindowEnd
from otel_sessions.queries.scores import FIRST, LAST, ScoreFilter

_SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "ANNOTATION": ("ANNOTATION", "operator"),
    "API": ("API", "end_user"),
    "EVAL": ("EVAL", "evaluator"),
}
"""Langfuse's names of who scores, and ours beside them."""
SOURCE_OF: Final = {ours: theirs for theirs, names in _SOURCES.items() for ours in names}


def _listed(value: Any) -> Any:
    return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value


def _in_capitals(value: Any) -> Any:
    return _listed(value.upper()) if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Sources = Annotated[tuple[Literal["ANNOTATION", "API", "EVAL"], ...], BeforeValidator(_in_capitals)]
Types = Annotated[
    tuple[Literal["NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT", "CORRECTION"], ...], BeforeValidator(_in_capitals)
]
Number = Annotated[float, Field(allow_inf_nan=False)]


def _sources(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each for name in names for each in _SOURCES[name])


class ScoresPage(Page):
    """Parameters of v2; `fields` may be `score`, which is all that there is: traces have their own list."""

    session_id: str = ""
    trace_id: str = ""
    observation_id: Texts = ()
    score_ids: Texts = ()
    name: str = ""
    source: Sources = ()
    data_type: Types = ()
    environment: tuple[str, ...] = ()
    from_timestamp: WindowEnd = FIRST
    to_timestamp: WindowEnd = LAST
    operator: Literal["=", ">", ">=", "<", "<=", ""] = ""
    value: Number | None = None
    fields: Literal["score"] = "score"

    @model_validator(mode="after")
    def _compares(self) -> Self:
        if bool(self.operator) != (self.value is not None):
            raise ValueError("operator and value are needed beside each other")
        return self

    def wanted(self) -> ScoreFilter:
        return ScoreFilter(
            session_ids=_one(self.session_id),
            trace_ids=_one(self.trace_id),
            span_ids=self.observation_id,
            score_ids=self.score_ids,
            names=_one(self.name),
            sources=_sources(self.source),
            data_types=self.data_type,
            environments=self.environment,
            from_=self.from_timestamp,
            to=self.to_timestamp,
            **_bounds(self.operator, self.value),
        )


class ScoresBehind(Plain):
    """Parameters of v3. No score has what is not kept here: configurations, queues, authors and experiments."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: str | None = None
    fields: Annotated[tuple[Literal["details", "subject", "annotation"], ...], BeforeValidator(_listed)] = ()
    id: Texts = ()
    name: Texts = ()
    source: Sources = ()
    data_type: Types = ()
    environment: Texts = ()
    value: Texts = ()
    value_min: Number | None = None
    value_max: Number | None = None
    trace_id: Texts = ()
    session_id: Texts = ()
    observation_id: Texts = ()
    config_id: Texts = ()
    queue_id: Texts = ()
    author_user_id: Texts = ()
    experiment_id: Texts = ()
    from_timestamp: WindowEnd = FIRST
    to_timestamp: WindowEnd = LAST

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if sum(map(bool, (self.trace_id, self.session_id, self.experiment_id))) > 1:
            raise ValueError("traceId, sessionId and experimentId exclude each other")
        if self.observation_id and not self.trace_id:
            raise ValueError("observationId: traceId is needed beside it")
        if self.value and (len(self.data_type) != 1 or self.data_type[0] not in ("NUMERIC", "BOOLEAN", "CATEGORICAL")):
            raise ValueError("value: one dataType of NUMERIC, BOOLEAN and CATEGORICAL is needed beside it")
        if (self.value_min, self.value_max) != (None, None) and self.data_type != ("NUMERIC",):
            raise ValueError("valueMin, valueMax: dataType=NUMERIC is needed beside them")
        self._values()
        return self

    @property
    def is_of_none(self) -> bool:
        """Whether no score can be meant."""
        return bool(self.config_id or self.queue_id or self.author_user_id or self.experiment_id)

    def wanted(self) -> ScoreFilter:
        return ScoreFilter(
            session_ids=self.session_id,
            trace_ids=self.trace_id,
            span_ids=self.observation_id,
            score_ids=self.id,
            names=self.name,
            sources=_sources(self.source),
            data_types=self.data_type,
            environments=self.environment,
            from_=self.from_timestamp,
            to=self.to_timestamp,
            **self._values(),
            **_bounds(">=", self.value_min),
            **_bounds("<=", self.value_max),
        )

    def _values(self) -> dict[str, Any]:
        if self.data_type == ("BOOLEAN",):
            if unknown := sorted(set(self.value) - {"true", "false"}):
                raise ValueError(f"value: true or false is expected, not {unknown[0][:100]!r}")
            return {"numbers": tuple(float(each == "true") for each in self.value)}
        if self.data_type != ("NUMERIC",):
            return {"texts": self.value}
        numbers = tuple(map(float, self.value))
        if not all(map(math.isfinite, numbers)):
            raise ValueError("value: a finite number is expected")
        return {"numbers": numbers}


def _one(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _bounds(operator: str, value: float | None) -> dict[str, Any]:
    if value is None:
        return {}
    return {
        "=": {"at_least": value, "at_most": value},
        ">": {"at_least": math.nextafter(value, math.inf)},
        ">=": {"at_least": value},
        "<": {"at_most": math.nextafter(value, -math.inf)},
        "<=": {"at_most": value},
    }[operator]
