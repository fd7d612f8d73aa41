"""Answers by way of a pipe: the same bytes, and no more of them than may be."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.errors import code_of
from otel_sessions.clickhouse.readers import Reader
from otel_sessions.sqlguard.all_projects import ReadGuard

FORMATS = (
    *("TSV", "JSON", "JSONEachRow", "JSONCompactEachRowWithNamesAndTypes", "XML", "CSVWithNames", "Native", "Null"),
    *("RowBinaryWithNamesAndTypes", "Parquet", "Arrow", "ArrowStream", "ORC", "PrettyCompactMonoBlock"),
)
STATEMENTS = (
    "SELECT number, 'a' AS b, toString(number) AS c FROM numbers(5)",
    "SELECT number, toString(number) AS c FROM numbers(20000) ORDER BY number",
    "SELECT number % 3 AS a, count() FROM numbers(9) GROUP BY a WITH TOTALS ORDER BY a SETTINGS max_threads = 1",
    "SELECT 1 AS a WHERE 0",
    "SELECT 1 AS a UNION ALL (SELECT 1) SETTINGS max_threads = 1",
    "(SELECT 1 AS a SETTINGS max_threads = 1)",
    "WITH a AS (SELECT 1 AS format) SELECT DISTINCT (format) FROM a SETTINGS max_threads = 1",
    *("DESCRIBE (SELECT 1) SETTINGS max_threads = 1", "SHOW DATABASES", "EXISTS system.one", "EXPLAIN SELECT 1"),
)
ANSWER = 4 << 20
MEASURED = """
import sys
from pathlib import Path
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.readers import Reader
from otel_sessions.errors import OtelSessionsError
from otel_sessions.extensions.clickhouse_http import Config
from otel_sessions.extensions.clickhouse_http.engine import Engine
from otel_sessions.extensions.clickhouse_http.job import Job
from otel_sessions.footprint import most_resident
from otel_sessions.queries.statements import run_statement

endpoint = Endpoint("chdb", path=Path(sys.argv[1]))
with connect(endpoint) as client:
    client.command("CREATE DATABASE IF NOT EXISTS otel")

def over_sql(sql):
    engine = Engine(endpoint, Config(endpoint="127.0.0.1:0", max_memory_usage="192MiB", max_result_bytes="4MiB"))
    return engine.run(Job(sql.encode()))

def over_mcp(sql):
    open_ = lambda: connect(endpoint, database="otel")
    return run_statement(Reader(open_, open_, 192 << 20, 4 << 20), project="p", sql=sql)

asked = {"sql": over_sql, "mcp": over_mcp}[sys.argv[2]]
asked("SELECT 1")
before = most_resident()
try:
    asked("SELECT repeat('x', 400000) FROM numbers(1000)")
except OtelSessionsError as error:
    print(most_resident() - before, error)
"""


@pytest.fixture
def reader(chdb_endpoint: Endpoint) -> Iterator[Reader]:
    def open_() -> object:
        return connect(chdb_endpoint, database="system")

    found = Reader(open_, open_, 192 << 20, ANSWER)  # type: ignore[arg-type]
    yield found
    found.close()


def without_times(answer: bytes) -> bytes:
    return re.sub(rb"elapsed\W+[0-9.e-]+", b"", answer)


@pytest.mark.parametrize("form", FORMATS)
def test_an_answer_out_of_a_pipe_is_the_one_asked_for_as_bytes(
    reader: Reader, chdb_endpoint: Endpoint, form: str
) -> None:
    guard = ReadGuard("system")
    with connect(chdb_endpoint, database="system") as client:
        for sql in STATEMENTS:
            for read in (guard.check(reader, sql), guard.check(reader, f"{sql} FORMAT {form}")):
                assert without_times(read.run(reader, form)) == without_times(read.run(client, form)), sql


@pytest.mark.parametrize("sql", ["SELECT 1 FROM numbers(1000000000000)", "SELECT repeat('x', 9) FROM numbers(1e12)"])
def test_a_statement_whose_answer_is_over_the_bound_is_ended(reader: Reader, sql: str) -> None:
    begin = time.process_time()
    with pytest.raises(Exception, match="Limit for result exceeded") as caught:
        reader.foreign_query(sql, len(sql), settings={"max_execution_time": 15}, fmt="JSONEachRow")
    assert code_of(caught.value) == 396
    assert time.process_time() - begin < 10


@pytest.mark.parametrize(
    ("sql", "code"), [("SELECT throwIf(number = 900000) FROM numbers(1000000)", 395), ("SELECT bad", 47)]
)
def test_an_error_on_the_way_is_told_and_not_a_part_of_an_answer(reader: Reader, sql: str, code: int) -> None:
    with pytest.raises(Exception, match=f"Code: {code}") as caught:
        reader.foreign_query(sql, len(sql), settings={"max_block_size": 1000}, fmt="TSV")
    assert code_of(caught.value) == code


@pytest.mark.parametrize(("way", "told"), [("sql", "Limit for result exceeded"), ("mcp", "reached the limit of rows")])
def test_an_answer_of_constants_is_refused_before_it_takes_what_it_has(tmp_path: Path, way: str, told: str) -> None:
    command = [sys.executable, "-c", MEASURED, str(tmp_path), way]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    grown, said = done.stdout.split(" ", 1)
    assert told in said
    assert int(grown) < 384 << 20
