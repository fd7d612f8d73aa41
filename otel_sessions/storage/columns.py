"""Does the table have the columns that this version writes? A column that ClickHouse lacks would fail every insert, and
one of another type could change values silently, so it is asked once, at the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from otel_sessions.errors import SchemaError
from otel_sessions.pdata import STORED
from otel_sessions.pdata.schema import ATTRIBUTES, COST, TIMESTAMP

TABLE: Final = "otel_traces"
# ClickHouse types that take an Arrow column whole, the table's own first.
_ACCEPTS: Final[Mapping[pa.DataType, tuple[str, ...]]] = {
    pa.string(): ("String", "LowCardinality(String)"),
    pa.uint8(): ("UInt8",),
    pa.uint32(): ("UInt32",),
    pa.uint64(): ("UInt64",),
    TIMESTAMP: ("DateTime64(9)", "DateTime64(9, 'UTC')"),
    COST: ("Decimal(38, 12)",),
    ATTRIBUTES: ("Map(LowCardinality(String), String)", "Map(String, String)"),
    pa.list_(pa.string()): ("Array(String)", "Array(LowCardinality(String))"),
    pa.list_(pa.uint32()): ("Array(UInt32)",),
    pa.list_(TIMESTAMP): ("Array(DateTime64(9))", "Array(DateTime64(9, 'UTC'))"),
    pa.list_(ATTRIBUTES): ("Array(Map(LowCardinality(String), String))", "Array(Map(String, String))"),
}


def actual(client: Client, table: str = TABLE) -> dict[str, str]:
    """Column names and types of a table of the client's database, in order."""
    rows = client.query(
        "SELECT name, type FROM system.columns "
        "WHERE database = currentDatabase() AND table = {table:String} ORDER BY position",
        parameters={"table": table},
    ).result_rows
    return {str(name): str(type_) for name, type_ in rows}


def check(client: Client) -> None:
    """Raises `SchemaError` that names every column of `pdata.STORED` that is missing or has another type."""
    columns = actual(client)
    if not columns:
        raise SchemaError(f"there is no table {TABLE}; run `otel-sessions migrate`")
    wrong = [
        f"{field.name} is {columns.get(field.name, 'missing')}, not {' or '.join(_ACCEPTS[field.type])}"
        for field in STORED
        if columns.get(field.name) not in _ACCEPTS[field.type]
    ]
    if wrong:
        raise SchemaError(f"table {TABLE} is not the one of this version: {'; '.join(wrong)}")
