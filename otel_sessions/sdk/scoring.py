"""A score as the receiver's API takes it, by the names of Langfuse's."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from otel_sessions.sdk.quietly import Quietly, logger
from otel_sessions.sdk.scores import SCORES

DataType = Literal["NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT"]
_sending = Quietly("sending a score")
_NAMES = {"score_id": "id", "data_type": "dataType", "config_id": "configId"}


class ScoreFields(TypedDict, total=False):
    """What a score may have beside name and value; `score_id` makes it the same score when it is sent again."""

    score_id: str | None
    data_type: DataType | None
    comment: str | None
    metadata: Any
    environment: str | None
    config_id: str | None


def send(
    name: str,
    value: float | str | bool,
    more: Mapping[str, Any],
    *,
    session_id: str | None = None,
    trace_id: str | None = None,
    observation_id: str | None = None,
) -> None:
    """Sends it in the background; the type is that of the value unless given."""
    with _sending:
        if unknown := more.keys() - ScoreFields.__annotations__.keys():
            logger.warning("a score has no field %s; it is left out", ", ".join(sorted(unknown)))
        score = {
            "id": uuid.uuid4().hex,
            "name": name,
            "value": int(value) if isinstance(value, bool) else value,
            "dataType": _type(value),
            "sessionId": session_id,
            "traceId": trace_id,
            "observationId": observation_id,
            **{_NAMES.get(key, key): each for key, each in more.items() if key not in unknown and each is not None},
        }
        SCORES.put({key: each for key, each in score.items() if each is not None})


def _type(value: object) -> DataType:
    if isinstance(value, bool):
        return "BOOLEAN"
    return "NUMERIC" if isinstance(value, int | float) else "CATEGORICAL"
