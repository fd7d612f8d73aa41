"""The SQL endpoint over real sockets, as curl, clickhouse-connect and Grafana use it."""

from __future__ import annotations

import gzip
import json
import select
import shutil
import socket
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import clickhouse_connect
import lz4.frame  # type: ignore[import-untyped]
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.clickhouse import places, readers
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.component import ComponentId, Host
from otel_sessions.errors import ConfigError, QueryError
from otel_sessions.extensions.clickhouse_http import (
    ClickHouseHttp,
    Config,
    engine,
    factory,
    native_blocks,
    native_compression,
)
from otel_sessions.http import body
from otel_sessions.telemetry import Metrics
from otel_sessions.types import HostPort
from tests.logged import unexpected

try:
    from compression import zstd
except ImportError:
    from backports import zstd

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "lz4": lz4.frame.compress,
}
ID = ComponentId("clickhouse_http")
LIMIT = 1 << 20


def serve(chdb_path: Path, metrics: Metrics | None = None, **settings: object) -> ClickHouseHttp:
    config = Config.model_validate({"endpoint": "127.0.0.1:0", **settings})
    extension = factory.create(ID, config, Host(metrics or Metrics(), Endpoint("chdb", path=chdb_path)))
    assert isinstance(extension, ClickHouseHttp)
    extension.start()
    return extension


@pytest.fixture(scope="module")
def tables(chdb_path: Path) -> Iterator[None]:
    with connect(Endpoint("chdb", path=chdb_path)) as client:
        client.command("CREATE DATABASE IF NOT EXISTS otel")
        client.command("CREATE TABLE otel.http_test (a UInt64, b String) ENGINE MergeTree ORDER BY a")
        client.command("INSERT INTO otel.http_test VALUES (1, 'x'), (2, 'y')")
        yield
        client.command("DROP TABLE otel.http_test SYNC")


@pytest.fixture(scope="module")
def reader(chdb_path: Path, tables: None) -> Iterator[HostPort]:
    extension = serve(chdb_path, max_execution_time_s=2, max_result_bytes="2MiB", max_request_body_size=LIMIT)
    yield HostPort.parse(extension.endpoints["clickhouse_http"])
    extension.shutdown(5)


@pytest.fixture(scope="module")
def writer(chdb_path: Path, tables: None) -> Iterator[HostPort]:
    extension = serve(chdb_path, read_only=False)
    yield HostPort.parse(extension.endpoints["clickhouse_http"])
    extension.shutdown(5)


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(
    server: HostPort,
    body: bytes | str | None = None,
    method: str | None = None,
    headers: dict[str, str] | None = None,
    path: str = "/",
    **params: Any,
) -> Answer:
    connection = HTTPConnection(server.host, server.port, timeout=30)
    try:
        target = f"{path}?{urlencode(params)}" if params else path
        sent = body.encode() if isinstance(body, str) else body
        connection.request(method or ("GET" if body is None else "POST"), target, sent, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


# --- the protocol


@pytest.mark.parametrize("path", ["/ping", "/", "/replicas_status"])
def test_it_says_that_it_is_there(reader: HostPort, path: str) -> None:
    assert (ask(reader, path=path).status, ask(reader, path=path).text) == (200, "Ok.\n")
    assert ask(reader, path=path, method="HEAD").status == 200


def test_an_unknown_path_is_404(reader: HostPort) -> None:
    assert ask(reader, path="/nothing").status == 404


def test_a_query_comes_in_the_url_or_the_body_or_both(reader: HostPort) -> None:
    assert ask(reader, query="SELECT 1").text == "1\n"
    assert ask(reader, "SELECT 1").text == "1\n"
    assert ask(reader, "FROM numbers(1)", query="SELECT 1").text == "1\n"
    assert ask(reader, b"", query="SELECT 1").text == "1\n"


@pytest.mark.parametrize(
    ("method", "body", "params"), [("POST", b"", {}), ("POST", b" \n", {}), ("GET", None, {"query": ""})]
)
def test_an_empty_query_is_a_syntax_error(
    reader: HostPort, method: str, body: bytes | None, params: dict[str, Any]
) -> None:
    answer = ask(reader, body, method=method, **params)
    assert (answer.status, answer.headers["x-clickhouse-exception-code"]) == (400, "62")


def test_the_format_is_the_statements_the_headers_the_urls_or_tab_separated(reader: HostPort) -> None:
    header = {"X-ClickHouse-Format": "CSV"}
    assert ask(reader, "SELECT 1 AS a, 'x' AS b").text == "1\tx\n"
    assert ask(reader, "SELECT 1 AS a, 'x' AS b", default_format="JSONEachRow").text == '{"a":1,"b":"x"}\n'
    assert ask(reader, "SELECT 1 AS a, 'x' AS b", headers=header, default_format="JSONEachRow").text == '1,"x"\n'
    assert ask(reader, "SELECT 1 AS a, 'x' AS b FORMAT Values", headers=header).text == "(1,'x')"


def test_a_syntax_tree_is_answered_in_the_format_that_was_asked_for(reader: HostPort) -> None:
    line = "    Literal UInt64_1"
    assert line in ask(reader, "EXPLAIN AST SELECT 1").text.splitlines()
    named = ask(reader, "EXPLAIN AST SELECT 1 FORMAT JSON").text
    assert {"explain": line} in json.loads(named)["data"]
    assert "Identifier JSON" not in named
    assert f'"{line}"' in ask(reader, "EXPLAIN AST SELECT 1", default_format="CSV").text.splitlines()
    assert "(alias a\\\\nb)" not in ask(reader, "EXPLAIN AST SELECT 'a\\nb'").text
    assert ask(reader, "EXPLAIN AST SELECT {x:UInt8}", param_x=1).status == 200


def test_headers_say_what_clickhouses_say(reader: HostPort) -> None:
    headers = ask(reader, "SELECT 1 FORMAT JSON", query_id="mine").headers
    assert headers["x-clickhouse-format"] == "JSON"
    assert headers["x-clickhouse-query-id"] == "mine"
    assert headers["x-clickhouse-timezone"] == "UTC"
    assert headers["x-clickhouse-server-display-name"]
    assert headers["content-type"] == "application/json; charset=UTF-8"
    assert int(json.loads(headers["x-clickhouse-summary"])["elapsed_ns"]) > 0
    assert len(ask(reader, "SELECT 1").headers["x-clickhouse-query-id"]) == 36


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("TSV", "text/tab-separated-values; charset=UTF-8"),
        ("TabSeparatedWithNames", "text/tab-separated-values; charset=UTF-8"),
        ("CSV", "text/csv; charset=UTF-8"),
        ("JSONCompact", "application/json; charset=UTF-8"),
        ("JSONEachRow", "application/x-ndjson; charset=UTF-8"),
        ("Native", "application/octet-stream"),
        ("ArrowStream", "application/octet-stream"),
        ("Pretty", "text/plain; charset=UTF-8"),
    ],
)
def test_the_content_type_is_the_formats(reader: HostPort, name: str, type_: str) -> None:
    assert ask(reader, f"SELECT 1 FORMAT {name}").headers["content-type"] == type_


def test_parameters_settings_and_credentials_come_as_clickhouse_takes_them(reader: HostPort) -> None:
    sql = "SELECT {n:UInt8} + 1, {s:String}, {a:Array(String)}[2], getSetting('max_threads')"
    answer = ask(
        reader, sql, param_n=4, param_s="it's\\t%", param_a="['a','b\\'c']", max_threads=3, user="u", password="p"
    )
    assert answer.text == "5\tit\\'s\\t%\tb\\'c\t3\n"
    assert ask(reader, "SELECT getSetting('max_threads') = 3").text == "0\n"
    assert ask(reader, "SELECT 1", headers={"X-ClickHouse-User": "u", "X-ClickHouse-Key": "k"}).status == 200


def test_the_database_is_the_configured_one_unless_it_is_one_of_clickhouses_own(reader: HostPort) -> None:
    for name in ("", "default", "otel"):
        given: dict[str, Any] = {"database": name} if name else {}
        assert ask(reader, "SELECT currentDatabase(), count() FROM http_test", **given).text == "otel\t2\n"
    assert ask(reader, "SELECT currentDatabase()", headers={"X-ClickHouse-Database": "system"}).text == "system\n"
    missing = ask(reader, "SELECT 1", database="nope")
    assert (missing.status, missing.headers["x-clickhouse-exception-code"]) == (404, "81")


def test_many_queries_run_on_one_connection(reader: HostPort) -> None:
    connection = HTTPConnection(reader.host, reader.port, timeout=30)
    for number in range(5):
        connection.request("POST", "/", f"SELECT {number}")
        assert connection.getresponse().read() == f"{number}\n".encode()
    connection.close()


def test_answers_are_gzipped_for_who_asks(reader: HostPort) -> None:
    answer = ask(reader, "SELECT 1", headers={"Accept-Encoding": "gzip"}, enable_http_compression=1)
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body) == b"1\n"
    assert "content-encoding" not in ask(reader, "SELECT 1", headers={"Accept-Encoding": "gzip"}).headers


def test_gzipped_requests_are_read_and_stay_bounded(reader: HostPort) -> None:
    encoding = {"Content-Encoding": "gzip"}
    assert ask(reader, gzip.compress(b"SELECT 1"), headers=encoding).text == "1\n"
    bomb = ask(reader, gzip.compress(b" " * (LIMIT + 1)), headers=encoding)
    assert (bomb.status, bomb.headers["x-clickhouse-exception-code"]) == (413, "307")
    assert ask(reader, b"no gzip", headers=encoding).headers["x-clickhouse-exception-code"] == "354"
    assert ask(reader, b"x", headers={"Content-Encoding": "odd"}).status == 501


def test_what_cannot_stand_in_a_header_is_not_echoed(reader: HostPort) -> None:
    assert len(ask(reader, "SELECT 1", query_id="ü\r\nX-Evil: 1").headers["x-clickhouse-query-id"]) == 36
    assert ask(reader, "SELECT 1", default_format="Ü").status == 404
    assert ask(reader, "SELECT 'ü' AS `ü`").status == 200
    assert "ü" in ask(reader, "SELECT * FROM `ü`").text


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "lz4"])
def test_a_body_may_come_in_each_encoding_and_a_broken_one_is_354(
    reader: HostPort, encoding: str, caplog: pytest.LogCaptureFixture
) -> None:
    packed = PACK[encoding](b"SELECT 1")
    assert ask(reader, packed, headers={"Content-Encoding": encoding}).text == "1\n"
    for broken in (packed[:-5], b"x" + packed, b"x"):
        answer = ask(reader, broken, headers={"Content-Encoding": encoding})
        assert (answer.status, answer.headers["x-clickhouse-exception-code"]) == (500, "354")
        assert f"the body is not {encoding}" in answer.text
    assert not unexpected(caplog)


def test_a_window_of_zstd_over_8_MiB_is_354(reader: HostPort) -> None:
    options = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.enable_long_distance_matching: 1}
    packer = zstd.ZstdCompressor(options=options)
    packed = packer.compress(b"SELECT 1") + packer.flush()
    answer = ask(reader, packed, headers={"Content-Encoding": "zstd"})
    assert answer.headers["x-clickhouse-exception-code"] == "354"


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "lz4"])
def test_members_without_end_hold_nobody_up(reader: HostPort, encoding: str) -> None:
    answer = ask(reader, PACK[encoding](b"") * 40_000, headers={"Content-Encoding": encoding})
    assert answer.headers["x-clickhouse-exception-code"] == "354"
    assert "over 32 members" in answer.text, "they are not all read"


def test_a_slow_body_is_408(reader: HostPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "READ_TIMEOUT_S", 0.2)
    with socket.create_connection((reader.host, reader.port), timeout=60) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nSELECT")
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_goes_away_while_it_sends_is_nothing_unexpected(
    reader: HostPort, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection((reader.host, reader.port), timeout=60) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nSELECT")
    assert ask(reader, "SELECT 1").text == "1\n"
    assert not unexpected(caplog)


def test_who_finds_no_memory_to_read_with_is_told_to_come_back(
    reader: HostPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "WAIT_S", 0.01)
    places.LANES.little.take(places.LITTLE_TOGETHER, 10)
    try:
        answer = ask(reader, "SELECT 1")
    finally:
        places.LANES.little.give_back(places.LITTLE_TOGETHER)
    assert (answer.status, answer.headers["x-clickhouse-exception-code"]) == (503, "202")
    assert "max_memory_usage" in answer.text
    assert ask(reader, "SELECT 1").text == "1\n"


def test_bodies_that_are_held_are_bounded_together(chdb_path: Path, tables: None) -> None:
    extension = serve(chdb_path, max_request_body_size=LIMIT)
    server = HostPort.parse(extension.endpoints["clickhouse_http"])
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % LIMIT
    with ExitStack() as closing:
        closing.callback(extension.shutdown, 5)
        address = server.host, server.port
        connections = [closing.enter_context(socket.create_connection(address, timeout=60)) for _ in range(17)]
        for connection in connections:
            connection.sendall(head + b" " * (LIMIT - 1))
        refused, *others = select.select(connections, [], [], 60)[0]
        answer = refused.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"x-clickhouse-exception-code: 202\r\n" in answer.lower()
        assert b"retry-after: 1\r\n" in answer.lower()
        assert not others


@pytest.mark.parametrize(
    "form",
    [
        b"--b\r\n\r\n" * (LIMIT // 7),
        b"--b\r\n" + b"a:\r\n" * (LIMIT // 5),
        b'--b\r\nContent-Disposition: form-data; name="' + b"x;" * (LIMIT // 4) + b'"\r\n\r\nx\r\n--b--\r\n',
        b"no form",
    ],
    ids=["parts", "headers", "a long header", "none"],
)
def test_a_form_that_is_made_to_hurt_is_refused_at_once(reader: HostPort, form: bytes) -> None:
    began = time.monotonic()
    answer = ask(reader, form, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.status in (400, 501)
    assert time.monotonic() - began < 30


def test_a_form_brings_parameters_and_no_files(reader: HostPort) -> None:
    headers = {"Content-Type": 'multipart/form-data; boundary="b"'}
    part = b'--b\r\nContent-Disposition: form-data; name="param_x"%s\r\n\r\n\xc3\xa9\r\n--b--\r\n'
    query = "SELECT {x:String}"
    assert ask(reader, part % b"", headers=headers, query=query).text == "é\n"
    assert ask(reader, part % b'; filename="f"', headers=headers, query=query).status == 501


def test_a_body_over_the_limit_is_413(reader: HostPort) -> None:
    assert ask(reader, b"SELECT 1" + b" " * LIMIT).status == 413


@pytest.mark.parametrize("method", ["", "LZ4", "LZ4HC", "ZSTD", "NONE", "odd"])
def test_clickhouses_own_compression_is_spoken_in_every_method(reader: HostPort, method: str) -> None:
    asked: dict[str, Any] = {"compress": 1} | ({"network_compression_method": method} if method else {})
    sql = "SELECT number FROM numbers(200000)"
    answer = ask(reader, sql, **asked)
    assert native_compression.decompressed(answer.body, 1 << 30) == ask(reader, sql).body
    for wrong, code in (("SELEC", b"62"), ("DROP TABLE http_test", b"164")):
        error = native_compression.decompressed(ask(reader, wrong, **asked).body, 1 << 20)
        assert error.startswith(b"Code: " + code + b". DB::Exception")
    assert ask(reader, "SELECT 1 WHERE 0", **asked).body == b""


@pytest.mark.parametrize("method", ["LZ4", "ZSTD", "NONE"])
def test_a_compressed_request_is_read_within_its_bound(reader: HostPort, method: str) -> None:
    sql = native_compression.compressed(b"SELECT 1", method)
    assert ask(reader, sql, decompress=1).text == "1\n"
    assert ask(reader, native_compression.compressed(b" " * (LIMIT + 1), method), decompress=1).status == 413
    broken = ask(reader, sql[:-1] + b"\0", decompress=1)
    assert (broken.status, broken.headers["x-clickhouse-exception-code"]) == (500, "271")


@given(data=st.binary(max_size=64), at=st.integers(0, 200), byte=st.integers(0, 255), cut=st.integers(0, 80))
def test_a_broken_stream_is_an_error_of_ours(data: bytes, at: int, byte: int, cut: int) -> None:
    stream = bytearray(native_compression.compressed(data * 4))
    if stream:
        stream[at % len(stream)] = byte
    with suppress(QueryError):
        assert native_compression.decompressed(bytes(stream[cut:]), 1 << 20) in (data * 4, b"")


def test_a_protocol_version_gets_its_blocks(reader: HostPort) -> None:
    sql = "SELECT 1 AS a, 'x' AS b"
    asked: dict[str, Any] = {"default_format": "Native"}
    plain = ask(reader, sql, **asked).body
    versioned = ask(reader, sql, client_protocol_version=54460, **asked).body
    assert versioned == native_blocks.for_version(plain, 54460) != plain
    assert ask(reader, f"{sql} FORMAT Native", client_protocol_version=54460).body == versioned
    assert ask(reader, f"{sql} FORMAT CSV", client_protocol_version=54460, **asked).text == '1,"x"\n'
    assert ask(reader, "SELECT '{\"a\":1}'::JSON AS j", client_protocol_version=54460, **asked).status == 200
    assert ask(reader, sql, client_protocol_version=99999, **asked).status == 501
    assert ask(reader, sql, client_protocol_version="x", **asked).status == 400


def test_native_blocks_have_the_checksum_that_clickhouse_writes(chdb_path: Path, tables: None) -> None:
    """A column's file is a chain of the same blocks; this one is short enough to be one."""
    with connect(Endpoint("chdb", path=chdb_path)) as client:
        client.command("CREATE TABLE otel.http_blocks (x FixedString(200)) ENGINE Log")
        client.command("INSERT INTO otel.http_blocks SELECT repeat('abcd', 50)")
        folder = client.command(
            "SELECT data_paths[1] FROM system.tables WHERE database = 'otel' AND name = 'http_blocks'"
        )
        written = (Path(str(folder)) / "x.bin").read_bytes()
        client.command("DROP TABLE otel.http_blocks SYNC")
    assert native_compression.checksum(written[16:]) == written[:16]


@pytest.mark.parametrize(
    ("sql", "status", "code", "name"),
    [
        ("SELEC 1", 400, "62", "SYNTAX_ERROR"),
        ("SELECT 1; SELECT 2", 400, "62", "SYNTAX_ERROR"),
        ("SELECT * FROM nothing", 404, "60", "UNKNOWN_TABLE"),
        ("SELECT nothing", 404, "47", "UNKNOWN_IDENTIFIER"),
        ("SELECT no_such()", 404, "46", "UNKNOWN_FUNCTION"),
        ("SELECT 1 FORMAT Nothing", 404, "73", "UNKNOWN_FORMAT"),
        ("DROP TABLE http_test", 403, "164", "READONLY"),
        ("INSERT INTO http_test VALUES (3, 'z')", 403, "164", "READONLY"),
        ("SELECT * FROM file('x')", 403, "497", "ACCESS_DENIED"),
        ("SELECT 1 SETTINGS allow_ddl = 1", 403, "452", "SETTING_CONSTRAINT_VIOLATION"),
        ("SELECT intDiv(1, 0)", 500, "153", "ILLEGAL_DIVISION"),
        ("SELECT {x:UInt8}", 400, "456", "UNKNOWN_QUERY_PARAMETER"),
    ],
)
def test_errors_are_clickhouses(reader: HostPort, sql: str, status: int, code: str, name: str) -> None:
    answer = ask(reader, sql)
    assert (answer.status, answer.headers["x-clickhouse-exception-code"]) == (status, code)
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")
    assert f"({name})" in answer.text


def test_a_setting_that_is_not_on_the_list_is_refused(reader: HostPort) -> None:
    answer = ask(reader, "SELECT 1", allow_introspection_functions=1)
    assert (answer.status, answer.headers["x-clickhouse-exception-code"]) == (403, "452")


def test_a_boards_filters_come_beside_the_statement_or_in_it(reader: HostPort) -> None:
    filters = "{'otel.http_test':' a = 2 '}"
    assert ask(reader, "SELECT b FROM http_test", additional_table_filters=filters).text == "y\n"
    assert ask(reader, f"SELECT b FROM http_test settings additional_table_filters={filters}").text == "y\n"
    hostile = ask(reader, "SELECT b FROM http_test", additional_table_filters="{'http_test':'file(b)'}")
    assert (hostile.status, hostile.headers["x-clickhouse-exception-code"]) == (403, "497")


def test_settings_that_clients_send_unasked_do_no_harm(reader: HostPort) -> None:
    sent: dict[str, Any] = {
        "session_id": "s",
        "client_protocol_version": 54405,
        "wait_end_of_query": 1,
        "send_progress_in_http_headers": 1,
        "http_headers_progress_interval_ms": 10000,
        "max_execution_time": 600,
        "readonly": 2,
        "output_format_json_quote_64bit_integers": 1,
        "async_insert": 0,
    }
    assert ask(reader, "SELECT getSetting('max_execution_time')", **sent).text == "2\n"


def test_a_statement_does_not_give_itself_more_memory_than_is_left_for_any(reader: HostPort) -> None:
    asked = "SELECT getSetting('max_memory_usage')"
    assert ask(reader, f"{asked} SETTINGS max_memory_usage = {places.LARGEST}").text == f"{places.LARGEST}\n"
    refused = ask(reader, f"{asked} SETTINGS max_memory_usage = {places.LARGEST + 1}")
    assert refused.headers["x-clickhouse-exception-code"] == "452"
    assert f"must be from 1 to {places.LARGEST}" in refused.text
    assert ask(reader, asked, max_memory_usage=1 << 40).status == 200, "beside a statement it is lowered"


def test_a_query_that_takes_too_long_ends_and_the_next_one_is_untouched(reader: HostPort) -> None:
    answer = ask(reader, "SELECT count() FROM numbers(1000000000000)")
    assert (answer.status, answer.headers["x-clickhouse-exception-code"]) == (408, "159")
    assert ask(reader, "SELECT 'fine'").text == "fine\n"


def test_what_a_failed_query_had_written_is_nobody_elses_answer(reader: HostPort) -> None:
    failed = ask(reader, "SELECT intDiv(1, 100000 - number) FROM numbers(1000000) SETTINGS max_block_size = 1000")
    assert failed.status == 500
    assert [ask(reader, "SELECT 'mine'").text for _ in range(4)] == ["mine\n"] * 4


def test_a_result_over_the_bound_is_an_error(reader: HostPort) -> None:
    answer = ask(reader, "SELECT * FROM numbers(10000000)")
    assert answer.headers["x-clickhouse-exception-code"] == "396"


def test_queries_are_counted_as_served_or_by_the_code_of_their_error(chdb_path: Path, tables: None) -> None:
    metrics = Metrics()
    extension = serve(chdb_path, metrics)
    server = HostPort.parse(extension.endpoints["clickhouse_http"])
    for sql in ("SELECT 1", "SELECT 2", "SELEC", "DROP TABLE http_test", "DROP TABLE http_test"):
        ask(server, sql)
    ask(server, path="/ping")
    ask(server)
    extension.shutdown(5)

    def count(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(
            f"otel_sessions_{name}_queries_total", {"extension": str(ID), **labels}
        )

    assert count("served") == 2
    assert (count("refused", code="62"), count("refused", code="164"), count("refused", code="60")) == (1, 2, None)


def test_queries_run_side_by_side(reader: HostPort) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(
            target=lambda n=n: found.append(ask(reader, f"SELECT {n} + max(number) * 0 FROM numbers(1000000)").text)
        )
        for n in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, found)) == list(range(16))


def test_too_many_at_once_are_told_to_come_back(chdb_path: Path, tables: None) -> None:
    extension = serve(chdb_path, max_concurrent_queries=1, max_waiting_queries=0, max_execution_time_s=2)
    server = HostPort.parse(extension.endpoints["clickhouse_http"])
    try:
        found: list[int] = []
        slow = "SELECT count() FROM numbers(1000000000000)"
        threads = [threading.Thread(target=lambda: found.append(ask(server, slow).status)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == [408, 503, 503, 503]
        assert ask(server, "SELECT 1").status == 200
    finally:
        extension.shutdown(5)


# --- clients


@pytest.fixture
def client(reader: HostPort) -> Iterator[Client]:
    with clickhouse_connect.get_client(host=reader.host, port=reader.port) as client:
        yield client


def test_clickhouse_connect_reads(client: Client) -> None:
    assert client.ping()
    assert client.query("SELECT a, b FROM http_test ORDER BY a").result_rows == [(1, "x"), (2, "y")]
    assert client.query("SELECT a FROM http_test WHERE b = {b:String}", parameters={"b": "y"}).result_rows == [(2,)]
    assert client.query("SELECT a FROM http_test WHERE b = %(b)s", parameters={"b": "y"}).result_rows == [(2,)]
    assert client.query_arrow("SELECT a FROM http_test ORDER BY a").column("a").to_pylist() == [1, 2]
    assert client.command("SELECT count() FROM http_test") == 2
    assert client.raw_query("SELECT 1", fmt="CSV") == b"1\n"
    assert client.query("SELECT * FROM http_test WHERE 0").result_rows == []
    assert client.query("SELECT a FROM http_test LIMIT 0").column_names == ("a",)
    assert client.query("SELECT toDateTime64('2026-01-02 03:04:05.000000006', 9, 'UTC')").result_rows
    with client.query_row_block_stream("SELECT number FROM numbers(100000)") as stream:
        assert sum(len(block) for block in stream) == 100_000


def test_clickhouse_connect_binds_large_parameters_as_a_form(client: Client) -> None:
    many = list(range(5000))
    assert client.query("SELECT length({x:Array(UInt32)})", parameters={"x": many}).result_rows == [(5000,)]


def test_clickhouse_connect_sees_clickhouses_errors(client: Client) -> None:
    with pytest.raises(DatabaseError) as error:
        client.query("SELECT * FROM nothing")
    assert error.value.code == 60
    with pytest.raises(DatabaseError) as error:
        client.command("DROP TABLE http_test")
    assert error.value.code == 164
    with pytest.raises(DatabaseError):
        client.insert("http_test", [[3, "z"]], column_names=["a", "b"])


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_curl_reads(reader: HostPort) -> None:
    url = f"http://{reader}/"
    for arguments in (
        ["--data-binary", "SELECT sum(a) FROM http_test", url],
        ["-d", "SELECT sum(a) FROM http_test", "-u", "default:", url],
        ["-G", "--data-urlencode", "query=SELECT sum(a) FROM http_test", url],
        ["--compressed", "-d", "SELECT sum(a) FROM http_test", url + "?enable_http_compression=1"],
    ):
        done = subprocess.run(["curl", "-sS", "--fail", *arguments], capture_output=True, check=True, timeout=30)
        assert done.stdout == b"3\n"


def test_grafanas_data_source_gets_its_answers(reader: HostPort) -> None:
    """What its Go driver sends over HTTP: Native, settings in the URL, the user in the headers."""
    headers = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": "", "Content-Type": "text/plain"}
    settings: dict[str, Any] = {"default_format": "Native", "database": "default", "max_execution_time": 60}
    handshake = "SELECT displayName(), version(), revision(), timezone()"
    for sql in (
        handshake,
        "SELECT name FROM system.databases",
        "SELECT name, type, table FROM system.columns WHERE database = 'otel' LIMIT 5",
        "SELECT 1 AS x",
    ):
        assert ask(reader, sql, headers=headers, **settings).status == 200, sql


# --- writing


def test_another_process_can_use_it_as_its_clickhouse(writer: HostPort) -> None:
    with clickhouse_connect.get_client(host=writer.host, port=writer.port) as client:
        client.command("CREATE DATABASE IF NOT EXISTS http_other")
        client.command("CREATE TABLE http_other.t (a UInt64, b String) ENGINE MergeTree ORDER BY a")
        client.command("CREATE TABLE http_other.n (b String, c UInt64) ENGINE SummingMergeTree ORDER BY b")
        client.command(
            "CREATE MATERIALIZED VIEW http_other.mv TO http_other.n AS "
            "SELECT b, count() AS c FROM http_other.t GROUP BY b"
        )
        client.insert("http_other.t", [[1, "x"], [9, "y"]], column_names=["a", "b"])
        client.insert_arrow("http_other.t", pa.table({"a": pa.array([3], pa.uint64()), "b": ["it's"]}))
        client.raw_insert("http_other.t", ["a", "b"], b'{"a":4,"b":"z"}\n', fmt="JSONEachRow")
        client.raw_insert("http_other.t", ["a"], gzip.compress(b"5\n6\n"), fmt="TSV", compression="gzip")
        client.command("INSERT INTO http_other.t VALUES (7, 'a;b'), (8, 'FORMAT CSV')")
        client.command("INSERT INTO http_other.t SELECT number + 10, 'n' FROM numbers(2)")
        assert client.query("SELECT a FROM http_other.t ORDER BY a").result_columns == [
            [1, 3, 4, 5, 6, 7, 8, 9, 10, 11]
        ]
        assert client.command("SELECT sum(c) FROM http_other.n") == 10
        assert client.command("EXISTS TABLE http_other.t") == 1
        client.command("DROP DATABASE http_other SYNC")
        with pytest.raises(DatabaseError) as error:
            client.query("SELECT * FROM http_other.t")
        assert error.value.code in (60, 81)


def test_settings_of_an_insert_reach_the_engine(writer: HostPort) -> None:
    ask(
        writer,
        "CREATE TABLE http_dedup (a UInt64) ENGINE MergeTree ORDER BY a "
        "SETTINGS non_replicated_deduplication_window = 9",
    )
    for _ in range(2):
        assert (
            ask(writer, "1\n", query="INSERT INTO http_dedup FORMAT TSV", insert_deduplication_token="t").status == 200
        )
        ask(writer, "INSERT INTO http_dedup SETTINGS insert_deduplication_token = 'u' FORMAT TSV\n2\n")
    assert ask(writer, "SELECT groupArray(a) FROM (SELECT a FROM http_dedup ORDER BY a)").text == "[1,2]\n"
    ask(writer, "DROP TABLE http_dedup SYNC")


def test_an_insert_says_how_many_rows_it_wrote(writer: HostPort) -> None:
    answer = ask(writer, "INSERT INTO http_test FORMAT CSV\n5,e\n6,f\n")
    assert (answer.status, answer.text) == (200, "")
    assert json.loads(answer.headers["x-clickhouse-summary"])["written_rows"] == "2"
    assert "x-clickhouse-format" not in answer.headers
    ask(writer, "DELETE FROM http_test WHERE a IN (5, 6)")
    assert ask(writer, "SELECT count() FROM http_test").text == "2\n"


def test_writing_is_still_one_statement_a_request_and_never_a_get(writer: HostPort) -> None:
    assert ask(writer, "SELECT 1; DROP TABLE http_test").headers["x-clickhouse-exception-code"] == "62"
    assert ask(writer, query="DROP TABLE http_test").headers["x-clickhouse-exception-code"] == "164"
    assert ask(writer, query="INSERT INTO http_test VALUES (1, 'x')").headers["x-clickhouse-exception-code"] == "164"
    assert ask(writer, query="SELECT count() FROM http_test").text == "2\n"


def test_set_and_use_last_as_long_as_the_request(writer: HostPort) -> None:
    assert ask(writer, "USE system").status == 200
    assert ask(writer, "SET max_threads = 7").status == 200
    assert ask(writer, "SELECT currentDatabase(), getSetting('max_threads') = 7").text == "otel\t0\n"


@pytest.mark.parametrize(
    ("statement", "format_", "data"),
    [
        (b"INSERT INTO t FORMAT Native\n\x09\x00", "Native", b"\x09\x00"),
        (b"insert into t(a, b) format CSV 1,2", "CSV", b"1,2"),
        (b"INSERT INTO t FORMAT TSV\r\n1", "TSV", b"1"),
        (b"INSERT INTO TABLE d.`a FORMAT b` (`x)`) FORMAT CSV\nFORMAT", "CSV", b"FORMAT"),
        (b"INSERT INTO format FORMAT CSV\n1", "CSV", b"1"),
        (b"INSERT INTO d.format FORMAT CSV\n1", "CSV", b"1"),
        (b"INSERT INTO t (format, values) VALUES (1);", "Values", b"(1);"),
        (b"/* VALUES */ INSERT -- FORMAT x\n INTO t VALUES\n(1)", "Values", b"(1)"),
        (b"INSERT INTO FUNCTION file('a FORMAT b', CSV) FORMAT CSV\n1", "CSV", b"1"),
        (b"INSERT INTO t SETTINGS a = 'VALUES', b = 1 FORMAT CSV\n1", "CSV", b"1"),
        (b"INSERT INTO t FORMAT Native", "Native", b""),
    ],
)
def test_the_data_of_an_insert_begin_behind_its_format(statement: bytes, format_: str, data: bytes) -> None:
    insert = engine.insert_of(statement)
    assert insert is not None
    assert (insert.format, insert.data) == (format_, data)


@pytest.mark.parametrize(
    "statement",
    [b"SELECT 1", b"", b"INSERT INTO t SELECT 1 FORMAT CSV", b"INSERT INTO t WITH x AS (SELECT 1) SELECT 1"],
)
def test_other_statements_bring_no_data(statement: bytes) -> None:
    assert engine.insert_of(statement) is None


# --- the component


@pytest.mark.parametrize("endpoint", [None, "http://u:secret@ch:8123/otel"])
def test_it_serves_embedded_data_only(endpoint: str | None) -> None:
    with pytest.raises(ConfigError) as error:
        factory.create(ID, Config(), Host(Metrics(), endpoint and Endpoint.parse(endpoint)))
    assert error.value.faults[0].path == "extensions.clickhouse_http"
    assert "secret" not in str(error.value)


def test_stopping_twice_does_nothing(chdb_path: Path, tables: None) -> None:
    extension = serve(chdb_path)
    assert ask(HostPort.parse(extension.endpoints["clickhouse_http"]), "SELECT 1").text == "1\n"
    extension.shutdown(5)
    extension.shutdown(5)


def test_before_there_is_a_database_clients_can_still_shake_hands(chdb_path: Path) -> None:
    from otel_sessions.extensions.clickhouse_http.engine import Engine
    from otel_sessions.extensions.clickhouse_http.job import Job

    engine = Engine(Endpoint("chdb", database="not_yet", path=chdb_path), Config())
    assert engine.run(Job(b"SELECT 1, currentDatabase()")).body == b"1\tinformation_schema\n"
    engine.close()
