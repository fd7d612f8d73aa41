from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.config.document import parse
from otel_sessions.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("'~'", "~"),
        ("yes", "yes"),
        ("off", "off"),
        ("True", True),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("127.0.0.1:4317", "127.0.0.1:4317"),
        ("!!str 5", "5"),
        ("{a: &x {b: 1}, c: {<<: *x, d: 2}}", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
        ("{a: &x {b: 1}, c: {<<: [*x, {b: 2, e: 3}], b: 4}}", {"a": {"b": 1}, "c": {"b": 4, "e": 3}}),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    assert parse(text, "f") == value


@pytest.mark.parametrize(
    "text",
    ["!!int x", "!!timestamp 2024-01-01", "!x 1", '"\\UFFFFFFFF"', '"\\ud800"', "a: \x00", "*x", "<<: 1", "9" * 5000],
)
def test_what_cannot_be_read_is_a_fault_with_its_place(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "f")
    assert caught.value.faults[0].path.startswith("f")


@given(st.text(alphabet=st.characters() | st.sampled_from("{}[]:,-&*!|>'\"%@`#?\n\t ~<")))
def test_any_text_is_read_or_a_fault(text: str) -> None:
    try:
        parse(text, "f")
    except ConfigError as error:
        assert error.faults  # noqa: PT017
