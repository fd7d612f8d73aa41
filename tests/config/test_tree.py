from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.config.document import dotted, merge

leaves = st.integers() | st.none() | st.lists(st.integers())
# Whether a key holds a map is decided by its name, as it is in a configuration.
maps = st.recursive(
    st.dictionaries(st.sampled_from("abc"), leaves),
    lambda inner: st.dictionaries(st.sampled_from("ABC"), inner) | st.dictionaries(st.sampled_from("abc"), leaves),
)


@given(maps, maps, maps)
def test_merging_is_associative(one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]) -> None:
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@given(maps)
def test_an_empty_map_changes_nothing(tree: dict[str, Any]) -> None:
    assert merge(tree, {}) == merge({}, tree) == merge(tree, tree) == tree


def test_maps_merge_and_all_else_is_replaced() -> None:
    base = {"a": {"x": 1, "y": [1, 2]}, "b": 1, "c": {"z": 1}}
    assert merge(base, {"a": {"y": [3]}, "b": {"n": 1}, "c": None}) == {
        "a": {"x": 1, "y": [3]},
        "b": {"n": 1},
        "c": None,
    }
    assert base == {"a": {"x": 1, "y": [1, 2]}, "b": 1, "c": {"z": 1}}


def test_a_path_stays_on_one_line() -> None:
    assert dotted(("a", "otlp/x", 0, "two words", "line\nbreak", "")) == 'a.otlp/x[0]."two words"."line\\nbreak".""'
