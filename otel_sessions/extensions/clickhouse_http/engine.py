# SPDX-License-Identifier: Apache-2.0
"""Runs a `Job` on the embedded engine."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse import surface
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.connection import Pool
from otel_sessions.clickhouse.errors import reading
from otel_sessions.clickhouse.readers import Reader
from otel_sessions.errors import QueryError
from otel_sessions.extensions.clickhouse_http import native_blocks, row_binary
from otel_sessions.extensions.clickhouse_http.config import Config
from otel_sessions.extensions.clickhouse_http.job import Answer, Job
from otel_sessions.sqlguard.all_projects import Parameter, ReadGuard, canonical
from otel_sessions.sqlguard.allowed import READS, SYSTEM
from otel_sessions.sqlguard.parse import UnreadableError, at, output_format, parameters, settings, tokens

# What clickhouse-connect sends with every request, and has set already on its connections to chDB.
_ALREADY_SET = {("date_time_input_format", "best_effort"), ("cast_string_to_dynamic_use_inference", "1")}
_FOR_VERSION = {"output_format_native_write_json_as_string": "1"}
_FALLBACK_DATABASE = "information_schema"  # holds no files, unlike `default`
# Belt and braces behind the guard. `readonly = 2` still lets a query choose its settings.
_HARDENED = {"allow_ddl": 0, "allow_introspection_functions": 0, "implicit_select": 0, "readonly": 2}

_WORD = re.compile(
    rb"""(?:\s|--[^\n]*\n|\#[ !][^\n]*\n|/\*.*?\*/)*
         (?P<word>'(?:[^'\\]|\\.|'')*' | `(?:[^`\\]|\\.)*` | "(?:[^"\\]|\\.)*" | [A-Za-z_][A-Za-z0-9_]* | \S)""",
    re.VERBOSE | re.DOTALL,
)
_BOUNDS_ITSELF = re.compile(rb"max_memory_usage|max_result_bytes|result_overflow_mode")
_LINE_END = re.compile(rb"[ \t\f]*(\r?\n)?")


class Engine:
    """Answers jobs from any thread. Raises `QueryError` with ClickHouse's code and text, or `Retryable`."""

    def __init__(self, endpoint: Endpoint, config: Config) -> None:
        self._endpoint = endpoint
        self._config = config
        self._guard = ReadGuard(endpoint.database, config.table_functions, config.bounds)
        self._readers = Pool(self._connect_reader, anchored=True)
        self._writers = Pool(self._connect_writer, anchored=True)
        self._migrated = False

    def run(self, job: Job) -> Answer:
        """Runs a job, by way of the guard where it may only read; the summary has nanoseconds, bytes and rows."""
        started = time.monotonic_ns()
        if not job.statement.strip():
            raise QueryError("Code: 62. DB::Exception: Syntax error: Empty query. (SYNTAX_ERROR)")
        if self._config.read_only and not job.owner:
            with self._readers.client() as client, reading():
                # `default` is what clients send who were told nothing; it stands for the configured database
                if job.database in SYSTEM:
                    client.database = job.database
                elif job.database in ("", "default", self._endpoint.database):
                    client.database = self._endpoint.database if self._has_database(client) else _FALLBACK_DATABASE
                else:
                    raise QueryError(
                        f"Code: 81. DB::Exception: Database {job.database} does not exist. (UNKNOWN_DATABASE)"
                    )
                chosen = dict(self._guard.accept_settings(client, job.settings))
                if _BOUNDS_ITSELF.search(job.statement) or "result_overflow_mode" in chosen:
                    chosen.setdefault("max_memory_usage", str(self._config.bounds.max_memory_usage))
                read = self._guard.check(client, job.statement.decode("utf-8", "replace"), job.parameters)
                format_ = read.format or job.format
                version = job.protocol_version if format_ == "Native" else 0
                body = read.run(client, format_, _FOR_VERSION | chosen if version else chosen)
                answer = Answer(native_blocks.for_version(body, version), format_)
        else:
            with self._writers.client() as client, reading():
                answer = self._write(client, job)
        summary = {"elapsed_ns": str(time.monotonic_ns() - started), "result_bytes": str(len(answer.body))}
        if answer.format == row_binary.FORMAT:
            summary["result_rows"] = str(row_binary.rows_of(answer.body))
        return Answer(answer.body, answer.format, summary | dict(answer.summary))

    def close(self) -> None:
        self._readers.close()
        self._writers.close()

    def _connect_reader(self) -> Reader:
        with reading():
            config = self._config
            return Reader(self._hardened, self._connect_writer, config.max_memory_usage, config.max_result_bytes)

    def _hardened(self) -> Client:
        client = connect(self._endpoint)
        for name, value in {**self._config.bounds.settings(), **_HARDENED}.items():
            client.set_client_setting(name, value)
        return client

    def _connect_writer(self) -> Client:
        with reading():
            return connect(self._endpoint)

    def _has_database(self, client: surface.Client) -> bool:
        """Whether the configured database is there; once it is, nobody is asked again."""
        if not self._migrated:
            count = client.raw_query(
                "SELECT count() FROM system.databases WHERE name = {name:String}",
                {"name": self._endpoint.database},
                fmt="TSV",
            )
            self._migrated = count.strip() != b"0"
        return self._migrated

    def _write(self, client: Client, job: Job) -> Answer:
        client.database = job.database or (self._endpoint.database if self._has_database(client) else "default")
        insert = None if job.get else insert_of(job.statement)
        if insert is not None:
            return self._insert(client, insert, job.settings)
        sql = job.statement.decode("utf-8", "replace")
        try:
            words = tokens(canonical(client, sql))
        except UnreadableError as error:
            raise QueryError(f"Code: 62. DB::Exception: {error}. (SYNTAX_ERROR)") from error
        first = at(words, 0)
        reads = (first.text in READS.first_words or first.is_symbol("(")) and not any(
            w.is_word("INSERT") for w in words
        )
        if job.get and not reads:
            raise QueryError("Code: 164. DB::Exception: GET only reads; use POST. (READONLY)")
        if first.is_word("SET") or first.is_word("USE"):
            return Answer(b"", None)  # lasts as long as the session, and each request is one
        bound = {name: Parameter(value) for name, value in job.parameters.items() if name in parameters(words)}
        named = output_format(words)
        wanted = job.format if reads and named is None else None
        format_ = (named.text if named else job.format) if reads else None
        version = job.protocol_version if format_ == "Native" else 0
        chosen = dict(_FOR_VERSION if version else {}) | dict(job.settings.items() - _ALREADY_SET)
        body = client.raw_query(sql, bound or None, settings=chosen, fmt=wanted)
        return Answer(native_blocks.for_version(body, version), format_)

    def _insert(self, client: Client, insert: Insert, chosen: Mapping[str, str]) -> Answer:
        text = canonical(client, insert.head)
        words = tokens(text)
        ends = (word.start for word in words if word.is_word("SETTINGS") or word.is_word("FORMAT"))
        target = text[len("INSERT INTO ") : min(ends, default=len(text))].strip()
        written = {name: value for clause in settings(words) for name, value in clause if value is not None}
        summary = client.raw_insert(target, None, insert.data, {**written, **chosen}, insert.format)
        return Answer(b"", None, {name: str(value) for name, value in summary.summary.items()})


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT in two parts: `head` ends with the format's name, `data` is in that format."""

    head: str
    format: str
    data: bytes


def insert_of(statement: bytes) -> Insert | None:
    """The parts of an INSERT with data; None for any other statement, INSERT ... SELECT and FROM INFILE among them."""
    words = _words(statement)
    if next(words, (b"", 0))[0].upper() != b"INSERT":
        return None
    depth = 0
    in_target = True
    previous = b""
    for word, end in words:
        depth += (word == b"(") - (word == b")")
        keyword = b"" if depth or in_target or previous == b"." else word.upper()
        if previous == b"FORMAT" and not depth:
            return _insert(statement, end, word.decode("ascii", "replace"))
        if keyword == b"VALUES":
            return _insert(statement, end, "Values")
        if keyword in (b"SELECT", b"WITH", b"INFILE"):
            return None
        in_target = in_target and word.upper() in (b"INTO", b"TABLE", b"FUNCTION")
        previous = b"." if word == b"." else keyword
    return None


def _words(statement: bytes) -> Iterator[tuple[bytes, int]]:
    """Each word and where it ends, as far as they are asked for."""
    position = 0
    while (match := _WORD.match(statement, position)) is not None:
        position = match.end()
        yield match["word"], position


def _insert(statement: bytes, end: int, name: str) -> Insert:
    line_end = _LINE_END.match(statement, end)
    start = line_end.end() if line_end else end
    return Insert(statement[:end].decode("utf-8", "replace"), name, statement[start:])
