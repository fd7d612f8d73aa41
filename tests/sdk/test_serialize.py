"""What inputs and outputs look like as text."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import uuid
from collections import OrderedDict, namedtuple
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from otel_sessions.sdk import serialize

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3))
def test_what_json_has_comes_back_from_it(value: Any) -> None:
    assert json.loads(serialize.text(value, limit=100_000)) == value


@given(st.lists(values) | st.dictionaries(st.text(), values), st.integers(0, 60))
def test_it_is_json_however_short_it_is_cut(value: Any, limit: int) -> None:
    written = serialize.text(value, limit)
    json.loads(written)
    written.encode()


def test_large_values_are_cut_without_being_written_whole() -> None:
    assert serialize.text("x" * 100, 10) == "xxxxxxxxxx..."
    assert len(serialize.text({"a": "x" * 10**6, "b": [0] * 10**6}, 1000)) < 1100
    assert json.loads(serialize.text(list(range(10**6)), 40))[-1].startswith("... ")
    assert len(serialize.text([["x" * 50] * 10] * 10**5, 1000)) < 2000


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    secret: str = dataclasses.field(default="s", repr=False)


class Model(BaseModel):
    name: str
    point: Point


class Plain:
    pass


class Described:
    def __repr__(self) -> str:
        return "Described()"


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError


Pair = namedtuple("Pair", "left right")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Colour.RED, '"red"'),
        (Point(1), '{"x":1}'),
        (Model(name="m", point=Point(2)), '{"name":"m","point":{"x":2}}'),
        (Plain(), '"<Plain>"'),
        (Plain, "\"<class 'tests.sdk.test_serialize.Plain'>\""),
        (Described(), '"Described()"'),
        (Broken(), '"<Broken>"'),
        (Pair(1, [2]), "[1,[2]]"),
        (OrderedDict(a=1), '{"a":1}'),
        ({3}, "[3]"),
        (b"abc", '"<3 bytes>"'),
        (datetime.date(2026, 1, 2), '"2026-01-02"'),
        (Decimal("1.50"), '"1.50"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (Path("a/b"), '"a/b"'),
        (float("nan"), '"nan"'),
        (2**100, str(2**100)),
        (1 << 10_000, '"<int of 10001 bits>"'),
        ({1: None, None: True}, '{"1":null,"None":true}'),
        (np.float64(0.5), "0.5"),
    ],
)
def test_other_values_become_what_says_most_of_them(value: Any, written: str) -> None:
    assert serialize.text([value]) == f"[{written}]"


def test_what_contains_itself_ends_somewhere() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert serialize.text(loop).count("[") == serialize.MAX_DEPTH


def test_what_cannot_be_read_is_named() -> None:
    class Odd(dict[str, int]):
        def items(self) -> Any:
            raise RuntimeError

    assert serialize.text(Odd(a=1)) == '"<Odd that cannot be written>"'
    assert (
        serialize.text({"odd": Odd(a=1), "question": "why?"})
        == '{"odd":"<Odd that cannot be written>","question":"why?"}'
    )


def test_what_utf8_cannot_hold_is_replaced() -> None:
    assert serialize.text("a\ud800☂") == "a?☂"
    assert serialize.text(["\udfff"]) == '["?"]'
