from __future__ import annotations

from dataclasses import replace

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.errors import QueryError
from otel_sessions.queries import keyed, sessions
from otel_sessions.queries.detail import list_traces
from otel_sessions.queries.paging import Readers
from otel_sessions.queries.rows import as_json, select
from otel_sessions.testing.oracle import OracleSpan
from tests.integration.delivery import EPOCH, Receiver, new_project

ODD_IDS = [
    "a'b",
    'a"b',
    "a\\b",
    "a\tb\nc",
    "{x:String}",
    "100%",
    "日本/語 é",
    "👩‍🚀",
    " x ",
    "\\N",
    "NULL",
    "\x00",
    "x" * 8000,
]


def span(project: str, session_id: str, trace: int = 1, start: int = 0, seconds: int = 1) -> OracleSpan:
    begin = EPOCH + start * 1_000_000_000
    return OracleSpan(
        project,
        f"{trace:032x}",
        f"{trace:016x}",
        is_root=True,
        start=begin,
        end=begin + seconds * 1_000_000_000,
        level=1,
        claim_id=session_id,
        input_tokens=3,
        output_tokens=4,
    )


def store(client: Client, *spans: OracleSpan) -> None:
    Receiver(client, spans[0].project).take([spans])


def test_a_page_has_the_sessions_last_active_first(otel_client: Client) -> None:
    project = new_project()
    store(otel_client, *(span(project, f"s{number}", number, start=(number * 7) % 5 * 10) for number in range(1, 6)))
    found = [row["SessionId"] for row in sessions.page(otel_client, project=project, limit=3)]
    assert found == ["s2", "s4", "s1"]


def test_sessions_of_other_projects_are_not_seen(otel_client: Client) -> None:
    one, other = new_project(), new_project()
    store(otel_client, span(one, "s"))
    assert sessions.page(otel_client, project=other, limit=10) == []
    assert sessions.one(otel_client, project=other, session_id="s") is None
    assert sessions.traces(otel_client, project=other, session_id="s") == []
    assert sessions.timeline(otel_client, project=other, session_id="s") == []


@pytest.mark.parametrize("session_id", ODD_IDS)
def test_any_text_is_a_session_id(otel_client: Client, session_id: str) -> None:
    project = new_project()
    store(otel_client, span(project, session_id), span(project, "another", 2))
    row = sessions.one(otel_client, project=project, session_id=session_id)
    assert row is not None
    assert (row["SessionId"], row["SpanCount"], row["TotalTokens"]) == (session_id, 1, 7)
    assert len(sessions.traces(otel_client, project=project, session_id=session_id)) == 1
    assert len(sessions.timeline(otel_client, project=project, session_id=session_id)) == 1


def test_turns_and_minutes_come_oldest_first_up_to_a_limit(otel_client: Client) -> None:
    project = new_project()
    store(otel_client, *(span(project, "s", number, start=600 - number * 60) for number in range(1, 5)))
    turns = sessions.traces(otel_client, project=project, session_id="s", limit=3)
    assert [turn["TraceId"][-1] for turn in turns] == ["4", "3", "2"]
    minutes = sessions.timeline(otel_client, project=project, session_id="s", limit=2)
    assert [minute["Minute"] for minute in minutes] == [
        "2026-01-01 00:06:00.000000000",
        "2026-01-01 00:07:00.000000000",
    ]


def test_times_keep_their_nanoseconds_and_names_are_those_of_rest(otel_client: Client) -> None:
    project = new_project()
    store(otel_client, replace(span(project, "s"), start=EPOCH + 1, end=EPOCH + 1_000_000_003))
    row = sessions.one(otel_client, project=project, session_id="s")
    assert row is not None
    fields = as_json(row)
    assert fields["session_id"] == "s"
    assert fields["start_time"] == "2026-01-01T00:00:00.000000001Z"
    assert fields["end_time"] == "2026-01-01T00:00:01.000000003Z"
    assert fields["duration_ns"] == 1_000_000_002
    assert {"user_ids", "trace_count", "input_tokens", "service_names"} <= fields.keys()


def test_a_refused_statement_is_a_query_error(otel_client: Client) -> None:
    with pytest.raises(QueryError, match="limit"):
        select(otel_client, "sessions_page", {"project": "p"})


@pytest.mark.parametrize("is_long", [False, True])
def test_whoever_follows_the_cursors_has_every_turn_once_though_one_begins_earlier_meanwhile(
    otel_client: Client, monkeypatch: pytest.MonkeyPatch, is_long: bool
) -> None:
    """Roots are sent last and begin first, so that a turn moves over whoever reads below it."""
    if is_long:
        monkeypatch.setattr(keyed, "MANY_MINUTES", 0)
    project, minute = new_project(), 60 * 10**9
    receiver = Receiver(otel_client, project)

    def store(*turns: tuple[int, int]) -> None:
        receiver.take(
            [
                [
                    OracleSpan(
                        project, f"{turn:032x}", f"{number:016x}", level=1, claim_id="s", start=at, end=at, user="ada"
                    )
                    for turn, minutes in turns
                    for number, at in [(turn * 100 + minutes, EPOCH + minutes * minute)]
                ]
            ]
        )

    store((1, 10), (2, 20), (3, 30), (4, 40), (5, 50))
    wanted, readers, had = {"project": project, "session_id": "s", "limit": 2}, Readers(), list[int]()
    page = list_traces(otel_client, **wanted, readers=readers)
    store((5, 5), (6, 60))
    while True:
        had += [int(row["TraceId"], 16) for row in page.rows]
        if page.next_cursor is None:
            break
        again = list_traces(otel_client, **wanted, cursor=page.next_cursor, readers=readers)
        page = list_traces(otel_client, **wanted, cursor=page.next_cursor, readers=readers)
        assert page.rows == again.rows
    assert had == [1, 2, 3, 4, 6, 5]
    assert page.rows[-1]["SpanCount"] == 2
