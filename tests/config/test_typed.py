"""What values have against each other is told beside what each has against itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import pytest
from pydantic import Field, model_validator

from otel_sessions.component import Settings
from otel_sessions.config import load
from otel_sessions.config.typed import validate
from otel_sessions.errors import ConfigError


class Bound(Settings):
    name: str
    least: Annotated[int, Field(alias="from", ge=0)] = 0
    most: int = 10

    @model_validator(mode="after")
    def _in_order(self) -> Bound:
        if self.least > self.most:
            raise ValueError("from is more than most")
        return self

    @model_validator(mode="after")
    def _is_wide(self) -> Bound:
        if self.most - self.least == 1:
            raise ValueError("is too narrow")
        if self.most < 0:
            raise ValueError("most is below 0")
        return self


class Bounds(Settings):
    bounds: Annotated[tuple[Bound, ...], Field(min_length=1)]
    size: int = 1

    @model_validator(mode="after")
    def _names_once(self) -> Bounds:
        names = [bound.name for bound in self.bounds]
        if len(set(names)) < len(names):
            raise ValueError("a name stands there twice")
        return self


def faults(value: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        validate(Bounds, value, ("b",), {})
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ({"name": "a", "from": 5, "most": 3, "odd": 1}, ["from is more than most"]),
        ({"name": 1, "from": 5, "most": -3}, ["from is more than most", "most is below 0"]),
        ({"from": 4, "most": 5}, ["is too narrow"]),
        ({"name": 1, "from": 11}, ["from is more than most"]),
        ({"name": "a", "from": -1, "most": -5}, []),
        ({"name": 1, "from": "x", "most": -5}, []),
    ],
)
def test_every_check_that_needs_no_faulty_value_is_made(bound: object, expected: Sequence[str]) -> None:
    told = faults({"bounds": [bound]})
    assert [each for each in told if each.startswith("b.bounds[0]: ")] == [f"b.bounds[0]: {each}" for each in expected]
    assert len(told) > len(expected)


def test_checks_of_a_whole_see_the_parts_as_far_as_they_are_right() -> None:
    assert faults({"bounds": [{"name": "a", "from": -1}, {"name": "a"}], "size": "x"}) == [
        "b.bounds[0].from: expected at least 0, not -1",
        "b.size: expected a whole number, not text",
        "b: a name stands there twice",
    ]


def test_a_list_with_faulty_items_is_not_called_too_short() -> None:
    assert faults({"bounds": [{"name": 1}]}) == ["b.bounds[0].name: expected text, not a number"]
    assert faults({"bounds": []}) == ["b.bounds: expected 1 or more of them, not 0"]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (
            "extensions.sampling.rules=[{query: 'usr:x', keep: 2}]",
            {
                "extensions.sampling.rules[0].query: there is no field 'usr'; did you mean user?",
                "extensions.sampling.rules[0].keep: expected at most 1.0, not 2",
            },
        ),
        (
            "extensions.webhook={url: 'http://a', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,"
            " alerts: [{name: a, view: v, metric: bogus, above: 1, below: 2}]}",
            {
                "extensions.webhook.alerts[0].metric: expected 'sessions', 'traces', 'errors', 'tokens', 'cost', "
                "'duration_p50_ns' or 'duration_p95_ns'",
                "extensions.webhook.alerts[0]: write one of above and below",
            },
        ),
        (
            "exporters.clickhouse={endpoint: 'chdb://./x', username: u, cluster: c}",
            {
                "exporters.clickhouse: username and password are for a server; chdb:// has no users",
                "exporters.clickhouse: cluster is for servers; chdb:// is the engine of this one process",
            },
        ),
        (
            "processors.redaction={hash_function: hmac-sha256, mask: 'a\\b'}",
            {
                "processors.redaction: hmac-sha256 needs a hash_secret, as in ${env:REDACTION_SECRET}",
                "processors.redaction: a mask has no backslash",
            },
        ),
        (
            "processors.memory_limiter={check_interval: 0}",
            {
                "processors.memory_limiter.check_interval: expected more than 0.0, not 0.0",
                "processors.memory_limiter: set limit_mib, or limit_percentage of the memory there is",
            },
        ),
        (
            "extensions.bearertokenauth={token: a, tokens: [b], credentials:"
            " [{token: x, project: a}, {token: x, project: b}, {token: x, project: c}]}",
            {
                "extensions.bearertokenauth: write one of token, tokens and filename; credentials may stand beside it",
                "extensions.bearertokenauth: credentials[1] is the same as credentials[0], "
                "credentials[2] is the same as credentials[0]",
            },
        ),
    ],
)
def test_components_tell_what_their_settings_have_against_each_other_at_once(setting: str, expected: set[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(sets=[setting], environ={})
    assert set(map(str, caught.value.faults)) == expected
