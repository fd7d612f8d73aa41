"""Attribute values as the Collector writes them."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValueList

from otel_sessions.pdata.values import as_text, double_as_text, is_composite
from otel_sessions.testing.otlp import any_value, key_values

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats().map(lambda number: math.nan if math.isnan(number) else number)  # JSON has no NaN with a sign
    | st.text(st.characters(codec="utf-8"))
    | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        ("a\x00b \u2028 \U0001f600 <&>", "a\x00b \u2028 \U0001f600 <&>"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-(2**63), "-9223372036854775808"),
        (2**63 - 1, "9223372036854775807"),
        (b"", ""),
        (b"\xff\xfe\xfd\x01", "//79AQ=="),
        (None, ""),
        ([], "[]"),
        ({}, "{}"),
        ([1, "a", None, True, 1.0, b"\x01"], '[1,"a",null,true,1,"AQ=="]'),
        ({"b": 1, "a": {"z": [], "": {}}}, '{"a":{"":{},"z":[]},"b":1}'),
        ([math.nan, math.inf, -math.inf], '["NaN","+Inf","-Inf"]'),
        (['\x00\x1f\x7f\n"\\'], '["\\u0000\\u001f\x7f\\n\\"\\\\"]'),
    ],
)
def test_a_value_becomes_the_text_of_the_collectors_as_string(value: object, text: str) -> None:
    assert as_text(any_value(value)) == text  # type: ignore[arg-type]


def test_json_escapes_html_as_the_json_package_of_go_does() -> None:
    assert as_text(any_value({"<k>": "a&b\u2028\u2029é"})) == (r'{"\u003ck\u003e":"a\u0026b\u2028\u2029' + 'é"}')


def test_keys_are_ordered_by_their_utf8_bytes() -> None:
    assert as_text(any_value({"\U0001f600": 1, "\uffff": 2, "Z": 3, "a": 4})) == (
        '{"Z":3,"a":4,"\uffff":2,"\U0001f600":1}'
    )


def test_the_last_of_a_repeated_key_in_a_map_counts() -> None:
    value = AnyValue(kvlist_value=KeyValueList(values=key_values([("k", 1), ("j", 0), ("k", 2)])))
    assert as_text(value) == '{"j":0,"k":2}'


# What Go's encoding/json prints for these.
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (0.1, "0.1"),
        (0.00001, "0.00001"),
        (0.0000012345, "0.0000012345"),
        (1e-6, "0.000001"),
        (9.9e-7, "9.9e-7"),
        (1e-7, "1e-7"),
        (1e-10, "1e-10"),
        (5e-324, "5e-324"),
        (123456789012345680.0, "123456789012345680"),
        (1e16, "10000000000000000"),
        (1e20, "100000000000000000000"),
        (1.5e20, "150000000000000000000"),
        (1e21, "1e+21"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_a_double_is_its_shortest_decimal(number: float, text: str) -> None:
    assert double_as_text(number) == text


@given(st.floats(allow_nan=False))
def test_a_double_reads_back_as_itself(number: float) -> None:
    text = double_as_text(number)
    assert float(text) == number
    assert ("e" in text) == (math.isfinite(number) and number != 0 and not 1e-6 <= abs(number) < 1e21)


@given(VALUES)
def test_arrays_and_maps_are_always_json_that_says_the_same(value: object) -> None:
    message = any_value(value)  # type: ignore[arg-type]
    text = as_text(message)
    assert is_composite(message) == (value is None or isinstance(value, bytes | list | dict))
    if isinstance(value, list | dict):
        assert json.loads(text, parse_constant=pytest.fail) == _plain(value)


def _plain(value: object) -> object:
    """What JSON can say of a value."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return as_text(any_value(value))
    if isinstance(value, float):
        text = double_as_text(value)
        return json.loads(text) if math.isfinite(value) else text
    return value


def test_a_member_of_another_signal_counts_as_an_empty_value() -> None:
    value = AnyValue(string_value_strindex=3)
    assert as_text(value) == ""
    assert is_composite(value)
