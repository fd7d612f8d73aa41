# SPDX-License-Identifier: Apache-2.0
"""A score as the SDKs send it, checked."""

from __future__ import annotations

import json
import math
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from otel_sessions.config.typed import Plain
from otel_sessions.queries.scores import FIRST, LAST
from otel_sessions.sessions.additions import MAX_NAME
from otel_sessions.sessions.scores import DataType, Score

_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
Id = Annotated[str, StringConstraints(max_length=8192)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME)]


def _in_utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _storable(time: datetime) -> datetime:
    if not _FIRST <= time < LAST:
        raise ValueError("a time from 1970 to 2261 is expected")
    return time


Time = Annotated[datetime, AfterValidator(_in_utc), AfterValidator(_storable)]
WindowEnd = Annotated[datetime, AfterValidator(_in_utc), AfterValidator(lambda time: max(FIRST, min(time, LAST)))]
"""Where a window of times begins, or ends: any time, as none that is stored lies beyond `FIRST` and `LAST`."""


class Body(Plain):
    """A body of Langfuse's API: its names are in camelCase, and unknown ones are passed over."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class ScoreBody(Body):
    """A score on a session, a trace, or an observation of a trace.

    Without `data_type` a number is NUMERIC and text CATEGORICAL. Without `id` every sending is a score of its own.
    """

    name: Name
    value: float | str
    id: Name = Field(default_factory=lambda: str(uuid.uuid4()))
    data_type: DataType | None = None
    session_id: Id | None = None
    trace_id: Id | None = None
    observation_id: Id | None = None
    dataset_run_id: Id | None = None
    comment: str | None = None
    metadata: Any = None
    environment: str | None = None
    source: Literal["API", "ANNOTATION", "EVAL"] | None = None
    timestamp: Time | None = None

    @model_validator(mode="after")
    def _has_a_target(self) -> Self:
        if self.dataset_run_id:
            raise ValueError("scores on dataset runs are not kept here")
        if not self.session_id and not self.trace_id:
            raise ValueError("sessionId or traceId expected")
        if self.observation_id and not self.trace_id:
            raise ValueError("observationId goes with traceId")
        return self

    @model_validator(mode="after")
    def _value_is_of_its_type(self) -> Self:
        is_text = isinstance(self.value, str)
        if is_text != (self.kind in ("CATEGORICAL", "TEXT")):
            raise ValueError(f"value: {'a number' if is_text else 'text'} expected for {self.kind}")
        if isinstance(self.value, float) and not math.isfinite(self.value):
            raise ValueError("value: a finite number expected")
        if self.kind == "BOOLEAN" and self.value not in (0, 1):
            raise ValueError("value: 0 or 1 expected for BOOLEAN")
        return self

    @property
    def kind(self) -> DataType:
        return self.data_type or ("CATEGORICAL" if isinstance(self.value, str) else "NUMERIC")

    def score(self, project: str, sent: datetime, now: datetime) -> Score:
        """The row; `sent` is when the client sent it, which orders what is sent under one id. No later than `now`."""
        if isinstance(self.value, str):
            number, text = 0.0, self.value
        else:
            number, text = self.value, str(self.value == 1) if self.kind == "BOOLEAN" else ""
        return Score(
            project=project,
            score_id=self.id,
            name=self.name,
            data_type=self.kind,
            value=number,
            string_value=text,
            session_id=self.session_id or "",
            trace_id=(self.trace_id or "").lower(),
            span_id=(self.observation_id or "").lower(),
            comment=self.comment or "",
            source=self.source or "API",
            metadata=as_json(self.metadata),
            environment=self.environment or "default",
            timestamp=self.timestamp or min(sent, now),
            updated_at=min(sent, now),
        )


def as_json(value: Any) -> str:
    """The value as JSON, empty for None; what is no Unicode in it becomes a question mark."""
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace").decode()
