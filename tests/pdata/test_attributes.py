from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.pdata import ATTRIBUTES
from otel_sessions.pdata.attributes import KeySet, empty_text, take_text

KEYS = ["a", "b", "c", "€"]
ROWS = st.lists(st.lists(st.tuples(st.sampled_from([*KEYS, "x", ""]), st.sampled_from(["", "1", "2", "é"]))))


def _column(rows: list[list[tuple[str, str]]]) -> pa.MapArray:
    return pa.array(rows, ATTRIBUTES)


def _first(row: list[tuple[str, str]], keys: list[str]) -> str:
    for key in keys:
        for name, value in row:
            if name == key and value:
                return value
    return ""


@given(ROWS, st.permutations(KEYS), st.integers(0, 3))
def test_the_first_key_that_holds_text_wins(rows: list[list[tuple[str, str]]], keys: list[str], skipped: int) -> None:
    column = _column(rows).slice(min(skipped, len(rows)))
    found = KeySet(KEYS).entries(column)
    assert found.text(found.first(keys[:3])).to_pylist() == [_first(row, keys[:3]) for row in rows[skipped:]]


@given(ROWS)
def test_some_of_the_keys_alone_are_numbered_anew(rows: list[list[tuple[str, str]]]) -> None:
    found = KeySet(KEYS).entries(_column(rows)).only(["c", "b"])
    assert found.text(found.first(["a", "c"])).to_pylist() == [_first(row, ["c"]) for row in rows]
    assert len(found.all_text()) == sum(
        len({name for name, value in row if name in "bc" and name and value}) for row in rows
    )


def test_an_entry_that_is_not_usable_leaves_its_place_to_the_next_key() -> None:
    found = KeySet(["a", "b"]).entries(_column([[("b", "2"), ("a", "1")], [("a", "3")]]))
    usable = np.array(found.all_text().to_pylist()) != "1"
    assert found.text(found.first(["a", "b"], usable)).to_pylist() == ["2", "3"]


@given(st.lists(st.tuples(st.sets(st.sampled_from(KEYS)), st.lists(st.sampled_from([*KEYS, "x"])))))
def test_entries_listed_for_their_row_are_marked(rows: list[tuple[set[str], list[str]]]) -> None:
    found = KeySet(KEYS).entries(_column([[(key, "v") for key in sorted(names)] for names, _ in rows]))
    marked = found.listed(pa.array([names for _, names in rows], pa.list_(pa.string())))
    names = np.array(KEYS)[found.codes]
    assert marked.tolist() == [name in rows[row][1] for name, row in zip(names, found.rows, strict=True)]


def test_keys_can_be_told_by_their_beginning() -> None:
    found = KeySet(["m.a", "a"]).entries(_column([[("a", "1"), ("m.a", "2")]]))
    assert dict(zip(found.all_text().to_pylist(), found.beginning(("m.",)).tolist(), strict=True)) == {
        "1": False,
        "2": True,
    }


def test_no_rows_no_keys_and_no_attributes_are_fine() -> None:
    no_keys: list[str] = []
    columns: list[list[list[tuple[str, str]]]] = [[], [[]], [[("x", "1")], []]]
    for keys in (no_keys, ["a"]):
        for rows in columns:
            found = KeySet(keys).entries(_column(rows))
            assert found.text(found.first(keys)).to_pylist() == [""] * len(rows)
            assert not found.has("a")


def test_taking_text_fills_what_is_absent() -> None:
    values = pa.array(["a", "b"])
    assert take_text(values, np.array([1, -1, 0])).to_pylist() == ["b", "", "a"]
    assert take_text(values, np.array([-1])).to_pylist() == [""]
    assert empty_text(2).to_pylist() == ["", ""]
