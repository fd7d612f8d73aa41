"""Native blocks for clients of a protocol version, against the blocks that chDB writes for none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.errors import QueryError
from otel_sessions.extensions.clickhouse_http import row_binary
from otel_sessions.extensions.clickhouse_http.native_blocks import FIRST, LAST, WITH_SERIALIZATION, for_version
from tests.examples import examples

HEADER = b"\x01\x00\x02\xff\xff\xff\xff\x00"


@pytest.fixture(scope="module")
def client(chdb_path: Path) -> Iterator[Client]:
    with connect(Endpoint("chdb", path=chdb_path)) as client:
        yield client


def test_each_block_has_a_header_and_each_column_a_byte(client: Client) -> None:
    data = client.raw_query("SELECT toUInt8(1) AS a, 'x' AS b", fmt="Native")
    assert data == b"\x02\x01\x01a\x05UInt8\x01\x01b\x06String\x01x"
    assert for_version(data, 54460) == HEADER + b"\x02\x01\x01a\x05UInt8\x00\x01\x01b\x06String\x00\x01x"
    assert for_version(data, FIRST) == HEADER + data
    assert (
        for_version(data, LAST) == HEADER[:-1] + b"\x03\x00\x00\x02\x01\x01a\x05UInt8\x00\x01\x01b\x06String\x00\x01x"
    )
    assert for_version(data, 0) == data
    assert for_version(b"", 54460) == b""


def test_each_of_many_blocks_has_its_header(client: Client) -> None:
    sql = "SELECT number FROM numbers(100) SETTINGS max_block_size = 10"
    data = client.raw_query(sql, fmt="Native")
    blocks = data.count(b"\x06number\x06UInt64")
    assert blocks > 1
    assert for_version(data, 54460).count(HEADER) == blocks
    assert len(for_version(data, 54460)) == len(data) + blocks * (len(HEADER) + 1)


@pytest.mark.parametrize("version", [1, FIRST - 1, LAST + 1, 99999, -1])
def test_other_versions_are_refused(version: int) -> None:
    with pytest.raises(QueryError, match="Code: 48"):
        for_version(b"", version)


_NAMES = """UInt8 Int16 UInt32 Int64 UInt128 Int256 Bool Float32 Float64 String FixedString(3) Date Date32 DateTime
DateTime('Europe/Berlin') DateTime64(9) DateTime64(3,'UTC') UUID IPv4 IPv6 Decimal(9,2) Decimal(18,4) Decimal(38,2)
Decimal(76,1) Enum8('a(`'=1,'b\\',)'=2) Enum16('x'=300)"""
_PLAIN = st.sampled_from(_NAMES.split())
_KEYS = st.sampled_from(["String", "LowCardinality(String)", "UInt8", "FixedString(2)", "Date"])
_LOW = st.sampled_from(["LowCardinality(String)", "LowCardinality(Nullable(String))", "LowCardinality(FixedString(4))"])


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        inner.map("Array({})".format),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: f"Tuple({', '.join(each)})"),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda each: "Tuple(" + ", ".join(f"`n {n}, (` {type_}" for n, type_ in enumerate(each)) + ")"
        ),
        st.tuples(_KEYS, inner).map(lambda pair: f"Map({pair[0]}, {pair[1]})"),
    )


_TYPES = st.recursive(st.one_of(_PLAIN, _PLAIN.map("Nullable({})".format), _LOW), _nested, max_leaves=6)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(types=st.lists(_TYPES, min_size=1, max_size=4), rows=st.integers(0, 40), seed=st.integers(0, 1000))
def test_every_column_is_walked_to_its_end(types: list[str], rows: int, seed: int, client: Client) -> None:
    structure = ", ".join(f"c{number} {type_}" for number, type_ in enumerate(types))
    data = client.raw_query(
        f"SELECT * FROM generateRandom({{s:String}}, {seed}, 12, 3) LIMIT {rows} SETTINGS max_block_size = 16, "
        "allow_suspicious_low_cardinality_types = 1, allow_suspicious_types_in_order_by = 1",
        {"s": structure},
        fmt="Native",
    )
    blocks = data.count(b"\x02c0")
    header = len(HEADER) * blocks
    assert len(for_version(data, FIRST)) == len(data) + header
    assert len(for_version(data, WITH_SERIALIZATION)) == len(data) + header + blocks * len(types)


@pytest.mark.parametrize(
    "value",
    [
        "tuple()",
        "toBFloat16(1)",
        "[]",
        "NULL",
        "map()",
        "INTERVAL 1 DAY",
        "(1., 2.)::Point",
        "[[(1., 2.)]]::Polygon",
        "toTime64(1, 3)",
        "CAST('x', 'SimpleAggregateFunction(anyLast, LowCardinality(String))')",
        "[(1, 'x')]::Nested(a UInt8, b String)",
        "repeat('x', 1000)",
        "CAST([], 'Array(LowCardinality(String))')",
    ],
)
def test_rarer_types_are_walked_too(value: str, client: Client) -> None:
    sql = f"SELECT {value} AS a, number AS z FROM numbers(3) SETTINGS allow_suspicious_low_cardinality_types = 1"
    data = client.raw_query(sql, fmt="Native")
    versioned = for_version(data, WITH_SERIALIZATION)
    assert len(versioned) == len(data) + len(HEADER) + 2
    assert versioned.endswith(b"\x01z\x06UInt64\x00" + bytes(8) + b"\x01" + bytes(7) + b"\x02" + bytes(7))


def test_json_is_walked_as_text(client: Client) -> None:
    sql = """SELECT '{"a":{"b":[1]}}'::JSON AS a, toUInt8(number) AS z FROM numbers(2)"""
    data = client.raw_query(sql, fmt="Native", settings={"output_format_native_write_json_as_string": 1})
    assert for_version(data, WITH_SERIALIZATION).endswith(b"\x01z\x05UInt8\x00\x00\x01")


def test_a_state_of_an_aggregate_function_is_refused_in_words(client: Client) -> None:
    data = client.raw_query("SELECT sumState(1)", fmt="Native")
    with pytest.raises(QueryError, match="finalizeAggregation"):
        for_version(data, 54460)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(types=st.lists(_TYPES, min_size=1, max_size=4), rows=st.integers(0, 40), seed=st.integers(0, 1000))
def test_the_rows_of_a_binary_answer_are_counted(types: list[str], rows: int, seed: int, client: Client) -> None:
    structure = ", ".join(f"c{number} {type_}" for number, type_ in enumerate(types))
    data = client.raw_query(
        f"SELECT * FROM generateRandom({{s:String}}, {seed}, 12, 3) LIMIT {rows} SETTINGS "
        "allow_suspicious_low_cardinality_types = 1",
        {"s": structure},
        fmt=row_binary.FORMAT,
    )
    assert row_binary.rows_of(data) == rows


def test_not_more_than_the_beginning_of_a_binary_answer_is_counted(client: Client) -> None:
    data = client.raw_query("SELECT number FROM numbers(100000)", fmt=row_binary.FORMAT)
    assert row_binary.rows_of(data) == 1 << 13
    unknown = client.raw_query("SELECT sumState(number) FROM numbers(3)", fmt=row_binary.FORMAT)
    assert row_binary.rows_of(unknown) == 1
    assert row_binary.rows_of(b"") == 0
