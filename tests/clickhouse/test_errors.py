"""What a failure of ClickHouse means for those who write and those who read."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.errors import reading, writing
from otel_sessions.errors import OtelSessionsError, Permanent, QueryError, Retryable, SchemaError
from otel_sessions.queries.limits import LimitExceeded, limited


def error(code: int | None, kind: type[ClickHouseError] = DatabaseError) -> ClickHouseError:
    found = kind("what ClickHouse said")
    if code is not None:
        found.code = code  # type: ignore[attr-defined]
    return found


def written(cause: Exception) -> OtelSessionsError:
    with pytest.raises(OtelSessionsError) as raised, writing("inserting"):
        raise cause
    assert raised.value.__cause__ is cause
    assert str(raised.value).startswith("inserting: ")
    return raised.value


@pytest.mark.parametrize("code", [107, 159, 202, 210, 241, 242, 252, 319, 516, 999])
def test_a_server_that_is_busy_or_ill_is_asked_again(code: int) -> None:
    assert type(written(error(code))) is Retryable


def test_a_disk_that_fails_is_asked_again() -> None:
    found = error(1001)
    assert type(written(found)) is Permanent
    found.args = ("filesystem error: in rename: Input/output error",)
    assert type(written(found)) is Retryable


@pytest.mark.parametrize("code", [16, 60, 81])
def test_tables_that_are_not_there_are_an_error_that_says_what_to_run(code: int) -> None:
    found = written(error(code))
    assert type(found) is SchemaError
    assert "otel-sessions migrate" in str(found)


@pytest.mark.parametrize("code", [27, 53, 62, 117])
def test_rows_that_clickhouse_will_never_take_are_permanent(code: int) -> None:
    assert type(written(error(code))) is Permanent


@pytest.mark.parametrize(
    "cause", [error(None, OperationalError), ConnectionRefusedError("refused"), TimeoutError("late")]
)
def test_where_nobody_answered_the_same_is_tried_again(cause: Exception) -> None:
    assert type(written(cause)) is Retryable


def test_other_errors_are_not_clickhouses() -> None:
    with pytest.raises(ZeroDivisionError), writing("inserting"):
        raise ZeroDivisionError


def test_a_reader_learns_what_clickhouse_refused() -> None:
    with pytest.raises(QueryError, match="what ClickHouse said"), reading():
        raise error(62)
    with pytest.raises(Retryable, match="not reached"), reading():
        raise error(None, OperationalError)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (241, "(total) memory limit exceeded: would use 1.02 GiB"),
        (241, "Memory limit (total) exceeded"),
        (241, "User memory limit exceeded: would use 67.22 MiB"),
        (241, "Memory limit (for user) exceeded"),
        (173, "Cannot allocate memory"),
        (202, "Too many simultaneous queries"),
        (243, "Cannot reserve 1.00 MiB, not enough space"),
        (439, "Cannot schedule a task"),
    ],
)
def test_a_read_that_others_leave_nothing_for_may_be_asked_again(code: int, said: str) -> None:
    found = error(code)
    found.args = (f"Code: {code}. DB::Exception: {said}.",)
    with pytest.raises(Retryable, match=f"^Code: {code}"), limited(), reading():
        raise found


@pytest.mark.parametrize(
    ("code", "said", "limit"),
    [
        (241, "Query memory limit exceeded: would use 64.81 MiB", "memory"),
        (241, "Memory limit (for query) exceeded", "memory"),
        (396, "Limit for result exceeded", "rows"),
        (158, "Limit for rows exceeded", "rows"),
        (307, "Limit for bytes exceeded", "rows"),
        (159, "Timeout exceeded", "time"),
    ],
)
def test_a_read_that_takes_too_much_itself_is_beyond_a_limit(code: int, said: str, limit: str) -> None:
    found = error(code)
    found.args = (said,)
    with pytest.raises(LimitExceeded) as raised, limited(), reading():
        raise found
    assert raised.value.limit == limit


def test_a_write_that_may_go_well_later_is_beyond_no_limit() -> None:
    with pytest.raises(Retryable), limited(), writing("storing"):
        raise error(241)


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("INSERT INTO no_such_table VALUES (1)", SchemaError),
        ("INSERT INTO otel_traces (no_such_column) VALUES (1)", SchemaError),
        ("SELECT throwIf(1)", Permanent),
        ("not SQL at all", Permanent),
    ],
)
def test_the_embedded_engine_names_its_errors_as_a_server_does(
    otel_client: Client, chdb_endpoint: Endpoint, statement: str, kind: type[Exception]
) -> None:
    # A client of its own: see `connect` on what a failed query leaves behind.
    client = connect(chdb_endpoint, database=otel_client.database)
    with pytest.raises(OtelSessionsError) as raised, writing("writing"):
        client.command(statement)
    client.close()
    assert type(raised.value) is kind


@pytest.mark.parametrize("of", ["", ": In scope SELECT formatQuerySingleLine('SELEC 1')"])
def test_a_syntax_error_names_the_place_and_the_beginning_of_what_was_expected(of: str) -> None:
    place = "Code: 62. DB::Exception: Syntax error: failed at position 7 (1): 1. Expected one of: "
    many = [f"WORD {number}" for number in range(400)]
    end = f"{of or '.'} (SYNTAX_ERROR)"
    found = error(62)
    found.args = (f"{place}{', '.join(many)}{end}",)
    with pytest.raises(QueryError) as raised, reading():
        raise found
    assert str(raised.value) == f"{place}{', '.join(many[:8])} and 392 more{end}"
    found.args = (f"{place}{', '.join(many[:3])}{end}",)
    with pytest.raises(QueryError) as raised, reading():
        raise found
    assert str(raised.value) == found.args[0]


def test_the_embedded_engines_syntax_error_is_short(otel_client: Client, chdb_endpoint: Endpoint) -> None:
    client = connect(chdb_endpoint, database=otel_client.database)
    with pytest.raises(QueryError, match=r"position 7 .* and \d+ more") as raised, reading():
        client.raw_query("SELEC 1")
    client.close()
    assert len(str(raised.value)) < 400
    assert str(raised.value).count("62") == 1


def test_a_refusal_says_its_code_once() -> None:
    said = "Code: 47. DB::Exception: Unknown expression identifier `bad`. (UNKNOWN_IDENTIFIER)"
    wrapped = f"Received ClickHouse exception, code: 47, server response: {said} (for url http://127.0.0.1:8123)"
    for text in (said, wrapped):
        found = error(47)
        found.args = (text,)
        with pytest.raises(QueryError) as raised, reading():
            raise found
        assert str(raised.value) == said
        assert str(written(found)) == f"inserting: {said}"
