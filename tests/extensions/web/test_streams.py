"""What is answered piece by piece: exports, and turns as they arrive."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from threading import Event
from typing import Any

import pyarrow.parquet as pq
import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.errors import Retryable
from otel_sessions.extensions.web.api import events as streams
from otel_sessions.http import answers
from otel_sessions.queries import export
from otel_sessions.queries.limits import LimitExceeded
from tests.extensions.web.conftest import Api, span
from tests.integration.delivery import EPOCH
from tests.integration.running import wait_until

FORMATS = ["jsonl", "csv", "parquet", "md", "messages"]


def lines(body: bytes) -> list[Any]:
    return [json.loads(line) for line in body.splitlines()]


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export._Pace, "FIRST", 3)
    monkeypatch.setattr(export._Pace, "MOST", 3)


@pytest.fixture(params=[0, 32_000], ids=["by id", "by time"])
def spans_by_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(export, "SPANS_BY_TIME", request.param)
    return int(request.param)


@pytest.fixture
def stored(api: Api) -> Api:
    said = {"input.value": "hello `you`", "output.value": "good\nday"}
    api.store(
        *(span("s/1", 1, number=number, start=10 + number) for number in range(1, 8)),
        *(span("s/1", trace, start=trace, attributes=said) for trace in range(2, 6)),
        span("other", 9),
    )
    return api


def expected(api: Api) -> list[tuple[str, str]]:
    return sorted((s["trace_id"], s["span_id"]) for s in api.get("/sessions/s%2F1/spans", limit=1000)["spans"])


@pytest.mark.usefixtures("small_pieces")
def test_every_span_is_exported_once_in_json_lines(stored: Api, spans_by_time: int) -> None:
    answer = stored.call("GET", "/sessions/s%2F1/export")
    found = lines(answer.body)
    assert sorted((each["trace_id"], each["span_id"]) for each in found) == expected(stored)
    by_id = {each["span_id"]: each for each in stored.get("/sessions/s%2F1/spans", limit=1000)["spans"]}
    assert {each["span_id"]: each for each in found} == by_id
    assert "filename*=UTF-8''s%2F1.jsonl" in answer.headers["content-disposition"]


@pytest.mark.usefixtures("small_pieces")
def test_the_spans_of_a_turn_that_takes_many_pieces_come_by_their_start(api: Api) -> None:
    api.store(*(span("s", 1, number=number, start=20 - number) for number in range(1, 9)))
    starts = [each["start_time"] for each in lines(api.call("GET", "/sessions/s/export").body)]
    assert len(starts) == 8
    assert starts == sorted(starts)


@pytest.mark.usefixtures("small_pieces")
def test_frames_say_that_they_are_complete(stored: Api) -> None:
    answer = stored.call("GET", "/sessions/s%2F1/export", headers={"Accept": "application/x-ndjson"})
    *results, last = lines(answer.body)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert (len(results), last) == (11, {"complete": {"spans": 11}})
    assert results[0].keys() == {"result"}


@pytest.mark.usefixtures("small_pieces")
def test_csv_and_parquet_have_the_columns_of_sql(stored: Api) -> None:
    text = stored.call("GET", "/sessions/s%2F1/export", format="csv").body.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert sorted((row["TraceId"], row["SpanId"]) for row in rows) == expected(stored)
    body = stored.call("GET", "/sessions/s%2F1/export", format="parquet").body
    table = pq.read_table(io.BytesIO(body))
    assert sorted(zip(*(table[name].to_pylist() for name in ("TraceId", "SpanId")), strict=True)) == expected(stored)
    described = stored.client.query("DESCRIBE TABLE session_spans").result_rows
    assert table.column_names == list(rows[0]) == [row[0] for row in described]
    assert {row["ClaimKey"] for row in rows} == {"session.id"}
    assert {int(row["StartTimeUnixNano"]) // 10**9 for row in rows} >= {EPOCH // 10**9 + 2}


def test_parquet_keeps_no_long_text_as_a_statistic_or_in_a_dictionary(stored: Api) -> None:
    body = stored.call("GET", "/sessions/s%2F1/export", format="parquet").body
    group = pq.ParquetFile(io.BytesIO(body)).metadata.row_group(0)
    columns = {column.path_in_schema: column for column in map(group.column, range(group.num_columns))}
    sized = {path for path, column in columns.items() if column.is_stats_set or column.has_dictionary_page}
    assert sized >= {"Timestamp", "TraceId", "SpanName", "SpanAttributes.key_value.key", "Cost"}
    assert not sized & {"Input", "Output", "TraceInput", "TraceOutput", "StatusMessage"}
    assert not [path for path in sized if path.endswith("key_value.value")]


def test_long_texts_go_out_as_they_are_and_short_ones_together_in_their_order() -> None:
    texts = [b"a", b"b", b"c" * export._BUNDLE, b"d", b"e" * (export._BUNDLE - 1), b"f"]
    assert [*export._bundled(texts)] == [b"ab", texts[2], b"d" + texts[4], b"f"]


@pytest.mark.parametrize("format_", ["jsonl", "csv", "parquet"])
def test_the_larger_spans_are_the_fewer_are_read_at_once(
    api: Api, monkeypatch: pytest.MonkeyPatch, format_: export.Format
) -> None:
    monkeypatch.setattr(export._Pace, "FIRST", 4)
    monkeypatch.setattr(export, "PIECE", 70_000)
    monkeypatch.setattr(export, "_ROW_GROUP", 70_000)
    noise = "".join(hashlib.sha256(bytes([each])).hexdigest() for each in range(160))
    small = [span("s", 1, number=number) for number in range(1, 5)]
    large = [span("s", trace, number=9, attributes={"input.value": f"{trace}{noise}"}) for trace in range(2, 52)]
    api.store(*small, *large)
    of = export.Exported(api.client, api.project, "s")
    pieces = list(export.export(of, format_))
    assert len(pieces) > 4
    assert max(map(len, pieces[2:])) < 2 * 70_000
    body = api.call("GET", "/sessions/s/export", format=format_).body
    rows = pq.read_table(io.BytesIO(body)).num_rows if format_ == "parquet" else len(lines_of(body, format_))
    assert rows == 54


def lines_of(body: bytes, format_: export.Format) -> list[Any]:
    return lines(body) if format_ == "jsonl" else list(csv.DictReader(io.StringIO(body.decode())))


def test_a_transcript_says_who_said_what_and_that_it_is_whole(stored: Api) -> None:
    text = stored.call("GET", "/sessions/s%2F1/export", format="md").body.decode()
    assert text.startswith("# Session s/1\n")
    assert text.count("**User**\n\n```text\nhello `you`\n```\n") == 4
    assert text.endswith("End of the session: 5 turns.\n")


def test_a_transcript_says_of_equal_errors_how_many_steps_have_them(api: Api) -> None:
    failed = [span("s", 1, number=number, status="error", message="timed out") for number in range(1, 4)]
    api.store(*failed, span("s", 2, start=9, status="error", message="refused"))
    text = api.call("GET", "/sessions/s/export", format="md").body.decode()
    assert (text.count(" · 3 errors\n"), text.count(" · 1 error\n")) == (1, 1)
    assert text.count(" (in 3 steps)\n\n```text\ntimed out\n```\n") == 1
    assert text.count("**Error** in ") == 2


def test_messages_are_one_line_of_a_chat(stored: Api) -> None:
    (line,) = lines(stored.call("GET", "/sessions/s%2F1/export", format="messages").body)
    assert line["session_id"] == "s/1"
    assert line["messages"][:2] == [
        {"role": "user", "content": "hello `you`"},
        {"role": "assistant", "content": "good\nday"},
    ]
    assert len(line["messages"]) == 8


def test_what_models_said_is_exported_whole_and_once_though_its_history_repeats(api: Api) -> None:
    long = "x" * 5000
    call = {
        "role": "assistant",
        "tool_calls": [{"id": "c", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}],
    }
    history: list[Any] = [{"role": "system", "content": "Be brief."}]
    for number, said in enumerate(
        (
            [{"role": "user", "content": long}],
            [{"role": "user", "content": "yes"}],
            [{"role": "user", "content": "yes"}],
        )
    ):
        history += said
        answer = call if number == 0 else {"role": "assistant", "content": f"answer {number}"}
        talk = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "m",
            "input.value": json.dumps(history),
            "output.value": json.dumps(answer),
        }
        api.store(span("s", number + 1, start=number * 10, attributes=talk))
        history += [answer, {"role": "tool", "tool_call_id": "c", "content": "sunny"}] if number == 0 else [answer]
    (line,) = lines(api.call("GET", "/sessions/s/export", format="messages").body)
    assert line["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": long},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": "sunny"},
        {"role": "user", "content": "yes"},
        {"role": "assistant", "content": "answer 1"},
        {"role": "user", "content": "yes"},
        {"role": "assistant", "content": "answer 2"},
    ]
    text = api.call("GET", "/sessions/s/export", format="md").body.decode()
    assert long in text
    assert 'weather({"city": "Oslo"})' in text


def test_a_preview_cuts_what_an_export_says_or_is_refused(stored: Api) -> None:
    text = stored.call("GET", "/sessions/s%2F1/export", format="md", preview=3).body.decode()
    assert text.count("**User**\n\n```text\nhel\n```\n\n… 11 characters\n") == 4
    (line,) = lines(stored.call("GET", "/sessions/s%2F1/export", format="messages", preview=3).body)
    assert line["messages"][:2] == [
        {"role": "user", "content": "hel", "content_length": 11},
        {"role": "assistant", "content": "goo", "content_length": 8},
    ]
    spans = lines(stored.call("GET", "/sessions/s%2F1/export", preview=3).body)
    assert [each["input"] for each in spans if each.get("input_length") == 11] == ["hel"] * 4
    for format_ in ("csv", "parquet"):
        answer = stored.call("GET", "/sessions/s%2F1/export", format=format_, preview=3)
        assert answer.status == 400
        assert [each["name"] for each in answer.json["errors"]] == ["preview"]


@pytest.mark.parametrize("format_", FORMATS)
def test_an_export_of_nothing_is_404_and_of_no_format_400(stored: Api, format_: str) -> None:
    assert stored.call("GET", "/sessions/nobody/export", format=format_).status == 404
    assert stored.call("GET", "/sessions/s%2F1/export", format=f"x{format_}").status == 400


class Reader:
    """Events of one connection."""

    def __init__(self, answer: HTTPResponse) -> None:
        self._answer = answer

    def next(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while line := self._answer.readline().decode().rstrip("\n") or not found:
            if isinstance(line, str):
                name, _, value = line.partition(": ")
                found |= {name: value} if name in ("id", "event", "data") else {}
        return {**found, "data": json.loads(found["data"])}


@contextmanager
def events(api: Api, path: str, headers: dict[str, str] | None = None) -> Iterator[Reader]:
    connection = HTTPConnection(api.address, timeout=60)
    try:
        connection.request("GET", f"/api/v1{path}", headers={"X-Project": api.project, **(headers or {})})
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("content-type")) == (200, "text/event-stream; charset=utf-8")
        yield Reader(answer)
    finally:
        connection.close()


def test_events_count_among_what_clients_leave_unread_until_they_are_taken(
    stored: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []

    async def noting(nbytes: int) -> None:
        await answers.hold(nbytes)
        held.append(answers.UNSENT.held)

    monkeypatch.setattr(streams, "hold", noting)
    with events(stored, "/sessions/s%2F1/events?from=start") as reader:
        first = reader.next()
        wait_until(lambda: not answers.UNSENT.held)
    assert held[0] > 3 * len(json.dumps(first["data"])), "all turns of it"


def test_turns_come_as_they_arrive_and_go_on_where_a_connection_broke(api: Api) -> None:
    api.store(span("s", 1, start=5))
    with events(api, "/sessions/s/events") as reader:
        api.store(span("s", 2, start=20))
        first = reader.next()
        assert (first["event"], first["data"]["trace_id"][-1]) == ("turn", "2")
    api.store(span("s", 3, start=1), span("s", 4, start=30))
    with events(api, "/sessions/s/events", {"Last-Event-ID": first["id"]}) as reader:
        assert [reader.next()["data"]["trace_id"][-1] for _ in range(2)] == ["3", "4"]


def test_what_a_reader_has_not_received_comes_again_although_it_was_sent(api: Api) -> None:
    api.store(*(span("s", number, start=number) for number in range(1, 6)))
    with events(api, "/sessions/s/events?from=start") as reader:
        first = reader.next()
    with events(api, "/sessions/s/events", {"Last-Event-ID": first["id"]}) as reader:
        assert [reader.next()["data"]["trace_id"][-1] for _ in range(4)] == ["2", "3", "4", "5"]


def test_events_from_the_start_have_every_turn(api: Api) -> None:
    api.store(span("s", 1), span("s", 2, start=3))
    with events(api, "/sessions/s/events?from=start") as reader:
        assert [reader.next()["data"]["trace_id"][-1] for _ in range(2)] == ["1", "2"]
    refused = api.call("GET", "/sessions/s/events", headers={"Last-Event-ID": "x"})
    assert (refused.status, [each["name"] for each in refused.json["errors"]]) == (400, ["Last-Event-ID"])
    assert api.call("GET", "/sessions/nobody/events").status == 404
    assert api.call("GET", "/sessions/s/events", from_="end").status == 400


def test_a_reader_too_many_is_refused_before_anything_is_looked_at_also_while_others_look_first(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.store(span("s", 1))
    looked, may_go_on = list[str](), Event()

    def check(client: Client, project: str, session_id: str) -> None:
        looked.append(session_id)
        may_go_on.wait(30)

    monkeypatch.setattr(streams, "MAX_STREAMS", 1)
    monkeypatch.setattr(streams, "check_session", check)

    def opened() -> HTTPConnection:
        connection = HTTPConnection(api.address, timeout=60)
        connection.request("GET", "/api/v1/sessions/s/events", headers={"X-Project": api.project})
        assert connection.getresponse().status == 200
        return connection

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(opened)
        wait_until(lambda: looked)
        refused = api.call("GET", "/sessions/s/events")
        assert (refused.status, refused.headers["content-type"]) == (503, "application/problem+json")
        may_go_on.set()
        reader = first.result(30)
    assert api.call("GET", "/sessions/s/events").status == 503
    assert api.call("GET", "/sessions/nobody/events").status == 503
    assert looked == ["s"]
    reader.close()
    wait_until(lambda: not streams._STREAMS._readers)
    opened().close()


@pytest.mark.parametrize(
    ("error", "status"), [(Retryable("no place", retry_after=2.0), 503), (LimitExceeded("memory"), 422)]
)
@pytest.mark.parametrize("format_", FORMATS)
def test_an_export_that_fails_before_its_first_piece_is_a_problem(
    stored: Api, monkeypatch: pytest.MonkeyPatch, format_: str, error: Exception, status: int
) -> None:
    def failing(_: export.Exported) -> Iterator[bytes]:
        raise error
        yield b""

    monkeypatch.setitem(export._FORMATS, format_, failing)
    answer = stored.call("GET", "/sessions/s%2F1/export", format=format_)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (int(answer.headers.get("retry-after", 0)) >= 1) == (status == 503)
