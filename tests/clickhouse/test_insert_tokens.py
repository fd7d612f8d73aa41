"""An insert that is repeated with its token: it adds what the first one had not come to, and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from otel_sessions.clickhouse import inserts
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.rows import TABLE, arrow_stream
from otel_sessions.errors import Permanent, Retryable
from otel_sessions.pdata import decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.sessions import migrations
from otel_sessions.testing.otlp import request, span

pytestmark = pytest.mark.remote_too
TARGETS = ("_session_turns", "_session_activity", "_trace_claims")
LARGE = 65_536
_databases = itertools.count()


class Database:
    """Its tables hold what `insert` put there; nothing is merged. Tests use it one after another, each from `begin`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.name = f"tokens_{next(_databases)}"
        self._endpoint = endpoint
        self._test = 0
        self.client = connect(endpoint)
        migrations.apply(self.client, self.name)

    @property
    def is_embedded(self) -> bool:
        return self._endpoint.embedded

    def begin(self) -> None:
        """Empties the tables, for tokens and a client that nobody has used before."""
        self._test += 1
        self._connect_anew()
        for table in (TABLE, *TARGETS):
            self.client.command(f"TRUNCATE TABLE {table}")
            self.client.command(f"SYSTEM STOP MERGES {table}")

    def insert(self, rows: pa.Table, token: str = "", batches: int = 1) -> None:
        self.client.raw_insert(
            TABLE,
            rows.column_names,
            stream(rows, batches),
            settings={
                **inserts.settings(self.client, f"{token} of test {self._test}" if token else ""),
                "optimize_on_insert": 0,
            },
            fmt="ArrowStream",
        )

    def fails(self, rows: pa.Table, token: str, batches: int = 1) -> None:
        """The insert raises; the client that has raised is not used again."""
        with pytest.raises(DatabaseError):
            self.insert(rows, token, batches)
        self._connect_anew()

    def _connect_anew(self) -> None:
        self.client.close()
        self.client = connect(self._endpoint, database=self.name)

    @contextmanager
    def failing(self, table: str) -> Iterator[None]:
        """Meanwhile the table takes no row."""
        self.client.command(f"ALTER TABLE {table} ADD CONSTRAINT failing CHECK throwIf(Project != '') = 0")
        try:
            yield
        finally:
            self.client.command(f"ALTER TABLE {table} DROP CONSTRAINT failing")

    @contextmanager
    def away(self, table: str) -> Iterator[None]:
        """Meanwhile there is no such table."""
        self.client.command(f"RENAME TABLE {table} TO away")
        try:
            yield
        finally:
            self.client.command(f"RENAME TABLE away TO {table}")

    def rows(self) -> dict[str, int]:
        return {table: self.client.query(f"SELECT count() FROM {table}").result_rows[0][0] for table in TARGETS}

    @property
    def spans(self) -> int:
        return int(self.client.query(f"SELECT count() FROM {TABLE}").result_rows[0][0])

    def parts(self, table: str) -> int:
        query = "SELECT count() FROM system.parts WHERE active AND database = {d:String} AND table = {t:String}"
        return int(self.client.query(query, {"d": self.name, "t": table}).result_rows[0][0])

    def close(self) -> None:
        self.client.command(f"DROP DATABASE {self.name}", use_database=False)
        self.client.close()


@pytest.fixture(scope="module")
def migrated(otel_client: Client, clickhouse_endpoint: Endpoint) -> Iterator[Database]:
    database = Database(clickhouse_endpoint)
    yield database
    database.close()


@pytest.fixture
def database(migrated: Database) -> Database:
    migrated.begin()
    return migrated


@cache
def spans(count: int) -> pa.Table:
    """So many traces of one span each, each in a session of its own."""
    body = request(*(span(attributes={"session.id": f"session {n}"}) for n in range(count)))
    batch = SessionProcessor(SessionConfig()).process(decode([body.SerializeToString()], ["p"]).batch)
    return pa.ipc.open_stream(arrow_stream([batch])).read_all()


def stream(rows: pa.Table, batches: int) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows, max_chunksize=-(-len(rows) // batches))
    return bytes(sink.getvalue())


def each(count: int) -> dict[str, int]:
    return dict.fromkeys(TARGETS, count)


@pytest.mark.parametrize(("count", "batches"), [(5, 1), (5, 3), (LARGE, 10)])
def test_a_repeated_insert_adds_nothing(database: Database, count: int, batches: int) -> None:
    rows = spans(count)
    for _ in range(2):
        database.insert(rows, "same", batches)
        assert (database.spans, database.rows()) == (count, each(count))


def test_a_client_has_the_settings_of_its_inserts_and_those_of_a_token_are_told_each_time(database: Database) -> None:
    def of(more: dict[str, int | str]) -> bytes:
        answer: bytes = database.client.raw_query(
            "SELECT toUInt8(getSetting('async_insert')), toUInt8(getSetting('insert_deduplicate'))", settings=more
        )
        return answer

    wanted = inserts.settings(database.client)
    assert of(wanted) == b"0\t0\n"
    assert (wanted == {}) == database.is_embedded, "a setting for one statement is two more statements there"
    assert of(inserts.settings(database.client, "token")) == b"0\t1\n"
    assert of(inserts.settings(database.client)) == b"0\t0\n"


def test_another_token_is_another_insert(database: Database) -> None:
    rows = spans(5)
    for token in ("one", "two", "one"):
        database.insert(rows, token)
    assert (database.spans, database.rows()) == (10, each(10))


def test_without_a_token_equal_inserts_are_stored_each(database: Database) -> None:
    rows = spans(5)
    for _ in range(2):
        database.insert(rows)
    assert (database.spans, database.rows()) == (10, each(10))


@pytest.mark.remote_too(first_case=True)
@pytest.mark.parametrize(
    ("table", "count", "batches"), [("_trace_claims", LARGE, 10), *((table, 20, 1) for table in TARGETS)]
)
def test_a_view_that_failed_is_filled_by_the_repetition(
    database: Database, table: str, count: int, batches: int
) -> None:
    rows = spans(count)
    with database.failing(table):
        database.fails(rows, "token", batches)
        assert (database.spans, database.rows()[table]) == (count, 0)
    for _ in range(2):
        database.insert(rows, "token", batches)
        assert (database.spans, database.rows()) == (count, each(count))


@pytest.mark.remote_too(first_case=True)
@pytest.mark.parametrize("table", TARGETS)
def test_a_target_that_was_away_is_filled_by_the_repetition(database: Database, table: str) -> None:
    rows = spans(20)
    with database.away(table):
        database.fails(rows, "token")
    database.insert(rows, "token")
    assert (database.spans, database.rows()) == (20, each(20))


def test_an_insert_into_two_partitions_is_repeated_in_both(database: Database) -> None:
    weeks = pa.array([1_767_000_000 + n % 2 * 7 * 86_400 for n in range(20)], pa.uint32())
    rows = spans(20).append_column("ReceivedAt", weeks)
    with database.failing("_trace_claims"):
        database.fails(rows, "token")
    for _ in range(2):
        database.insert(rows, "token")
        assert (database.spans, database.parts(TABLE), database.rows()) == (20, 2, each(20))


def test_however_many_record_batches_there_are_an_insert_is_one_block(database: Database) -> None:
    """A part of a token's rows must not pass for all of them, whatever the server's limits."""
    database.client.set_client_setting("min_insert_block_size_rows", 10)
    database.client.set_client_setting("max_insert_threads", 4)
    database.insert(spans(100), "token", batches=50)
    assert [database.parts(table) for table in (TABLE, *TARGETS)] == [1, 1, 1, 1]


def test_a_token_is_of_its_bytes_and_holds_while_nothing_can_have_been_lost(otel_client: Client) -> None:
    tokens = inserts.Tokens(Endpoint.parse("http://somewhere"))
    tokens.note_connection(otel_client)
    first = tokens.token("segment", b"rows")
    assert len({first, tokens.token("segment", b"others"), tokens.token("other", b"rows")}) == 3
    tokens.note_failure(Retryable("the connection broke"))
    tokens.note_connection(otel_client)
    assert tokens.token("segment", b"rows") == first
    tokens.note_failure(caused(Retryable("memory"), 241))
    assert tokens.token("segment", b"rows") == first
    tokens.note_failure(caused(Permanent("disk"), 1001))
    assert tokens.token("segment", b"rows") != first


def test_tokens_are_those_of_others_until_the_server_starts_anew(database: Database) -> None:
    one, another = (inserts.Tokens(Endpoint.parse("http://somewhere")) for _ in range(2))
    for tokens in (one, another):
        tokens.note_connection(database.client)
    first = one.token("segment", b"rows")
    assert another.token("segment", b"rows") == first
    database.client.command("DETACH TABLE _server_life")  # a table in memory loses its rows, as by a start
    database.client.command("ATTACH TABLE _server_life")
    for tokens in (one, another):
        tokens.note_connection(database.client)
    assert one.token("segment", b"rows") == another.token("segment", b"rows") != first


def test_tokens_of_an_embedded_engine_end_with_its_process(chdb_endpoint: Endpoint) -> None:
    one, another = inserts.Tokens(chdb_endpoint), inserts.Tokens(chdb_endpoint)
    assert one.token("segment", b"rows") != another.token("segment", b"rows")


def caused(error: Permanent | Retryable, code: int) -> Permanent | Retryable:
    error.__cause__ = DatabaseError("what ClickHouse said", code=code)
    return error
