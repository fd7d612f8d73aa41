# SPDX-License-Identifier: Apache-2.0
"""The configuration of `sampling`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from otel_sessions.clickhouse.client import endpoint_in_use
from otel_sessions.component import Settings, Used
from otel_sessions.errors import Fault
from otel_sessions.queries.language import LanguageError
from otel_sessions.queries.language.parse import parse
from otel_sessions.types import Duration

_DAY = 86_400.0


def _query(text: str) -> str:
    try:
        parse(text)
    except LanguageError as error:
        raise ValueError(str(error)) from error
    return text


class Rule(Settings):
    """Of the sessions that `query` chooses, those of no rule before it, the share `keep` stays whole: 0 to 1."""

    query: Annotated[str, AfterValidator(_query)] = ""
    keep: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Config(Settings):
    """The first of `rules` that chooses a session decides on it; what none chooses stays.

    A session that has been idle for more than `within`, in seconds, when it is first looked at is left as it is.
    """

    rules: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=100)]
    projects: tuple[str, ...] = ()
    within: Annotated[Duration, Field(gt=0)] = 7 * _DAY
    check_interval: Annotated[Duration, Field(ge=0.1, le=_DAY)] = 3600.0

    def find_faults(self, used: Used) -> Iterator[Fault]:
        if endpoint_in_use(used["exporters"]) is None:
            yield Fault("", "samples the sessions of a clickhouse exporter, and none is in use")
