"""Arrow columns from flat lists."""

from __future__ import annotations

from otel_sessions.pdata import ATTRIBUTES, TIMESTAMP, columns
from otel_sessions.testing.otlp import key_values


def test_attribute_lists_become_maps_of_text() -> None:
    maps = columns.Maps()
    assert maps.add(key_values({"a": "x", "b": 0, "c": 0.0, "d": False, "e": ""})) == ()
    assert maps.add([]) == ()
    assert maps.add(key_values({"bytes": b"", "none": None, "list": [], "map": {}, "text": "t"})) == [
        "bytes",
        "none",
        "list",
        "map",
    ]
    array = maps.array()
    assert array.type == ATTRIBUTES
    assert array.to_pylist() == [
        [("a", "x"), ("b", "0"), ("c", "0"), ("d", "false"), ("e", "")],
        [],
        [("bytes", ""), ("none", ""), ("list", "[]"), ("map", "{}"), ("text", "t")],
    ]


def test_times_after_2262_are_the_last_timestamp_there_is() -> None:
    array = columns.timestamps(columns.uint64([0, 2**63 - 1, 2**63, 2**64 - 1]))
    assert array.type == TIMESTAMP
    assert [value.value for value in array] == [0, 2**63 - 1, 2**63 - 1, 2**63 - 1]


def test_numbers_without_a_name_have_the_first_name() -> None:
    assert columns.names([1, 0, 2, -1], ("zero", "one")).to_pylist() == ["one", "zero", "zero", "zero"]


def test_no_rows_are_empty_columns() -> None:
    assert columns.transposed([], 2) == [(), ()]
    assert columns.Maps().array().to_pylist() == []
    assert columns.string_lists([]).to_pylist() == []
    assert columns.string_lists([["a"], [], ["b", "c"]]).to_pylist() == [["a"], [], ["b", "c"]]
