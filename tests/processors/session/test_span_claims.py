from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.pdata import NO_CLAIM, Note
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.semconv.sessions import CONVERSATION_KEYS, SESSION_KEYS, USER_KEYS
from otel_sessions.testing.otlp import Attributes, Value, span
from tests.processors.session.reading import Row, batch_of, batch_of_requests, own_claim, rows_of, user

LONG = "é" * 4096
NO = (NO_CLAIM, "", "")
ODD_IDS = ["s-1", "a/b c", "😀👩‍👩‍👧", "日本", "null", "0", " padded ", '"quoted"', "tab\tand\nline", LONG, "[Scrubbed"]
NOT_IDS = ["", " ", "\t\n", "\u00a0\u2003\u3000", "[Scrubbed due to 'session']", LONG + "x"]
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.sampled_from([*ODD_IDS, *NOT_IDS]),
    st.text(max_size=3),
    st.sampled_from([0, 7, -1, 1.5, True, False, None, b"id", ["a"], [], {"a": "b"}, {}]),
    st.sampled_from(['"s-1"', '""', '" "', '"\\u00e9"', '"open', "[1]"]),
)
KEYS = st.sampled_from(
    [
        *SESSION_KEYS[:4],
        "session_id",
        *CONVERSATION_KEYS[:3],
        *USER_KEYS[:2],
        "thread_id",
        "x",
    ]
)
ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=4)


def _row(attributes: Attributes, resource: Attributes | None = None) -> Row:
    return rows_of(SessionProcessor(SessionConfig()).process(batch_of(span(attributes=attributes), resource=resource)))[
        0
    ]


def _claim(attributes: Attributes, resource: Attributes | None = None) -> tuple[int, str, str]:
    row = _row(attributes, resource)
    return row["ClaimLevel"], row["ClaimId"], row["ClaimKey"]


@pytest.mark.parametrize("text", ODD_IDS)
def test_any_text_that_shows_is_an_id_byte_for_byte(text: str) -> None:
    assert _claim({"session.id": text}) == (1, text, "session.id")


@pytest.mark.parametrize("value", [*NOT_IDS, None, b"bytes", ["a"], {"a": "b"}])
def test_blank_scrubbed_overlong_and_composite_values_are_no_ids(value: Value) -> None:
    assert _claim({"session.id": value}) == NO
    assert _row({"user.id": value})["UserId"] == ""


@pytest.mark.parametrize(("value", "text"), [(7, "7"), (True, "true"), (False, "false"), (1.5, "1.5"), (0, "0")])
def test_numbers_and_booleans_are_taken_as_their_text(value: Value, text: str) -> None:
    assert _claim({"session.id": value}) == (1, text, "session.id")


@pytest.mark.parametrize("key", SESSION_KEYS)
def test_every_session_key_claims_on_span_and_resource(key: str) -> None:
    assert _claim({key: "s"}) == (1, "s", key)
    assert _claim({}, {key: "s"}) == (2, "s", key)


@pytest.mark.parametrize("key", CONVERSATION_KEYS)
def test_every_conversation_key_claims_on_span_and_resource(key: str) -> None:
    assert _claim({key: "c"}) == (3, "c", key)
    assert _claim({}, {key: "c"}) == (4, "c", key)


def test_a_resources_session_comes_before_a_spans_conversation() -> None:
    assert _claim({"gen_ai.conversation.id": "c"}, {"session.id": "s"}) == (2, "s", "session.id")


def test_a_key_without_an_id_leaves_its_place_to_the_next() -> None:
    assert _claim({"session.id": " ", "session_id": "s"}) == (1, "s", "session_id")


def test_metadata_is_read_without_its_json_quotes_and_session_id_is_not() -> None:
    key = "langfuse.trace.metadata.langfuse_session_id"
    assert _claim({key: '"abc"'}) == (1, "abc", key)
    assert _claim({key: "abc"}) == (1, "abc", key)
    assert _claim({key: "null"}) == NO
    assert _claim({key: '"  "'}) == NO
    assert _claim({key: '"\\ud800"'}) == (1, "\ufffd", key)
    assert _claim({"session.id": '"abc"'}) == (1, '"abc"', "session.id")


def test_langsmiths_project_is_no_conversation() -> None:
    assert _claim({"langsmith.trace.session_id": "project"}) == NO


def test_too_long_ids_are_noted_for_their_requests_alone() -> None:
    long = {"session.id": LONG + "x"}
    processor = SessionProcessor(SessionConfig())
    batch = processor.process(
        batch_of_requests(
            ([span(attributes={"session.id": "s"})], {}),
            ([span(attributes=long), span(attributes=long)], {}),
            ([span()], long),
            ([span(attributes={"user.id": LONG + "x"})], {}),
            ([span(attributes={"session.id": LONG + "x", "session_id": "s"})], {}),
        )
    )
    [note] = batch.notes
    assert note == Note((1, 2, 4), note.message)
    assert "8192 bytes" in note.message
    assert [row["ClaimId"] for row in rows_of(batch)] == ["s", "", "", "", "", "s"]


def test_keys_and_limits_are_configuration() -> None:
    config = SessionConfig(session_keys=("my.id",), conversation_keys=(), user_keys=(), max_session_id_bytes=3)
    batch = batch_of(span(attributes={"session.id": "s", "my.id": "abc"}), span(attributes={"my.id": "abcd"}))
    rows = rows_of(SessionProcessor(config).process(batch))
    assert [(row["ClaimLevel"], row["ClaimId"]) for row in rows] == [(1, "abc"), (NO_CLAIM, "")]


def test_the_users_id_is_the_spans_own_before_its_resources() -> None:
    assert _row({"enduser.id": "own"}, {"user.id": "other"})["UserId"] == "own"
    assert _row({}, {"user.id": "other"})["UserId"] == "other"
    assert _row({"user.id": ""}, {"user.id": "other"})["UserId"] == "other"


@given(st.lists(st.tuples(ATTRIBUTES, ATTRIBUTES), min_size=1, max_size=6))
def test_claims_and_users_are_those_of_a_reading_row_by_row(spans: list[tuple[Attributes, Attributes]]) -> None:
    batch = batch_of_requests(*(([span(attributes=own)], resource) for own, resource in spans))
    rows = rows_of(SessionProcessor(SessionConfig()).process(batch))
    got = [((row["ClaimLevel"], row["ClaimId"], row["ClaimKey"]), row["UserId"]) for row in rows]
    assert got == [(own_claim(*pair), user(*pair)) for pair in spans]
