"""The processor `redaction`: what is dropped, hidden, hashed and masked, and what is left alone."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from otel_sessions.pdata import SpanBatch, decode
from otel_sessions.processors.redaction import RedactionConfig, RedactionProcessor
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.testing.otlp import event, link, request, span

ATTRIBUTES = st.dictionaries(st.sampled_from(["a", "b", "password", "x.secret"]), st.text(max_size=5), max_size=4)


def batch(*attributes: dict[str, str], resource: dict[str, str] | None = None, **more: object) -> SpanBatch:
    spans = [span(attributes=each, **more) for each in attributes]
    return decode([request(*spans, resource=resource or {}).SerializeToString()], ["p"]).batch


def redacted(spans: SpanBatch, **config: object) -> SpanBatch:
    return RedactionProcessor(RedactionConfig.model_validate(config)).process(spans)


def attributes(spans: SpanBatch, column: str = "SpanAttributes") -> list[dict[str, str]]:
    return [dict(row) for row in spans[column].to_pylist()]


def test_without_rules_nothing_changes() -> None:
    spans = batch({"a": "me@example.com"}, {})
    assert redacted(spans).record.equals(spans.record)


def test_keys_that_match_a_dropped_pattern_are_gone() -> None:
    spans = redacted(
        batch({"a": "1", "http.request.header.cookie": "c"}, {"b": "2"}, {}), dropped_key_patterns=["cookie$"]
    )
    assert attributes(spans) == [{"a": "1"}, {"b": "2"}, {}]


def test_with_allowed_keys_all_others_are_gone_but_ignored_ones() -> None:
    spans = batch({"a": "1", "b": "2", "c": "3"})
    assert attributes(redacted(spans, allowed_keys=["a"], ignored_keys=["c"])) == [{"a": "1", "c": "3"}]
    everything = {"allow_all_keys": True, "allowed_keys": ["a"]}
    assert attributes(redacted(spans, **everything)) == attributes(spans)


def test_values_under_blocked_keys_are_masked_whole() -> None:
    spans = redacted(batch({"db.password": "x", "n": "y"}), blocked_key_patterns=["(?i)PASSWORD"])
    assert attributes(spans) == [{"db.password": "****", "n": "y"}]


def test_what_is_masked_whole_or_in_part_is_no_id() -> None:
    own = [{"session.id": "a@b.co", "user.id": "a@b.co"}, {"session.id": "1 a@b.co"}, {"k": "a@b.co", "user.id": "ann"}]
    spans = redacted(batch(*own, resource={"langfuse.session.id": "a@b.co"}), blocked_values=["email"])
    found = SessionProcessor(SessionConfig()).process(spans)
    assert found["ClaimId"].to_pylist() == ["", "", ""]
    assert found["UserId"].to_pylist() == ["", "", "ann"]


def ids(spans: SpanBatch, **config: object) -> list[tuple[str, str]]:
    """Session and user of each span once it is redacted and read."""
    found = SessionProcessor(SessionConfig()).process(redacted(spans, **config))
    return list(zip(found["ClaimId"].to_pylist(), found["UserId"].to_pylist(), strict=True))


PEOPLE = [f"{name}@shop.example" for name in ("ada", "bob", "eve")]
ID_KEYS = [
    "session.id",
    "gen_ai.conversation.id",
    "thread_id",
    "langfuse.trace.metadata.langfuse_session_id",
    "session_id",
]


@pytest.mark.parametrize("key", ID_KEYS)
@pytest.mark.parametrize("form", ["{}", "support:{}:1", '"{}"', "a {} and {}", "{}!"])
@pytest.mark.parametrize("hash_function", ["none", "sha256"])
def test_two_people_never_fall_into_one_session(key: str, form: str, hash_function: str) -> None:
    spans = batch(*[{key: form.format(who, who), "user.id": who} for who in PEOPLE])
    found = ids(spans, blocked_values=["email"], hash_function=hash_function)
    sessions, users = [session for session, _ in found if session], [user for _, user in found if user]
    assert len(set(sessions)) == len(sessions) == len(set(users)) == len(users) == (0 if hash_function == "none" else 3)
    assert not any("shop" in text for pair in found for text in pair)


def test_an_id_is_hashed_whole_wherever_it_stands_and_however_it_is_encoded() -> None:
    plain, encoded = "support:ada@shop.example:1", '"support:ada@shop.example:1"'
    spans = batch(
        {"session.id": plain}, {"langfuse.trace.metadata.langfuse_session_id": encoded}, resource={"session_id": plain}
    )
    hashed = hashlib.sha256(plain.encode()).hexdigest()
    found = ids(spans, blocked_values=["email"], hash_function="sha256")
    assert [session for session, _ in found] == [hashed, hashed]


@pytest.mark.parametrize("pattern", ["[0-9a-f]{8}-[0-9a-f]{4}", "^[0-9a-f-]{36}$", "."])
def test_an_id_that_matches_whole_keeps_its_session_by_its_hash(pattern: str) -> None:
    uuid = "0b6f3c7e-1111-4222-8333-abcdefabcdef"
    [(session, _)] = ids(batch({"session.id": uuid}), blocked_values=[pattern], hash_function="sha256")
    assert session == hashlib.sha256(uuid.encode()).hexdigest()


def test_of_other_text_only_what_matches_is_masked_though_ids_are_hashed() -> None:
    spans = redacted(batch({"note": "to a@b.co"}), blocked_values=["email"], hash_function="sha256")
    assert attributes(spans) == [{"note": "to ****"}]


def people_in_metadata(form: str, more: str = "") -> SpanBatch:
    return batch(*[{"metadata": form.replace("WHO", who).replace("MORE", more)} for who in PEOPLE])


MEMBERS = [
    '{"thread_id": "WHO", "user_id": "WHO"MORE}',
    '{"MORE": 1, "user_id": "to WHO!", "thread_id": "a WHO"}',
    "{'thread_id': 'WHO', 'user_id': 'WHO', 'more': 'WHO'}",
    '{"thread_id": "\\u0061WHO", "user_id": "\\u0062WHO", "mail": {"to": ["WHO", 1, null]}}',
]


@pytest.mark.parametrize("form", MEMBERS)
def test_a_member_of_a_json_object_that_was_masked_is_no_id(form: str) -> None:
    assert ids(people_in_metadata(form), blocked_values=["email"]) == [("", "")] * 3


@pytest.mark.parametrize("form", MEMBERS)
def test_with_a_hash_function_a_member_of_a_json_object_is_hashed_whole(form: str) -> None:
    found = ids(people_in_metadata(form), blocked_values=["email"], hash_function="sha256")
    assert all(len(session) == len(user) == 64 for session, user in found)
    assert len(set(found)) == 3
    assert "shop" not in str(attributes(redacted(people_in_metadata(form), blocked_values=["email"])))


def test_the_hash_of_a_member_is_that_of_the_id_wherever_else_it_stands() -> None:
    spans = batch({"metadata": '{"thread_id": "ada@shop.example"}'}, {"thread_id": "ada@shop.example"})
    [inside, outside] = ids(spans, blocked_values=["email"], hash_function="sha256")
    assert inside == outside != ("", "")


def test_an_id_in_json_stays_where_something_else_was_masked() -> None:
    """The card number is a number: its mask is text, and the object stays an object."""
    spans = batch({"metadata": '{"thread_id": "t", "user_id": "a@b.co", "card": 4111111111111111, "n": 1}'})
    config = {"blocked_values": ["email", "card_number"]}
    assert ids(spans, **config) == [("t", "")]
    assert attributes(redacted(spans, **config)) == [
        {"metadata": '{"thread_id": "t", "user_id": "****", "card": "****", "n": 1}'}
    ]


def test_patterns_see_an_id_in_json_as_a_whole_and_the_text_around_it() -> None:
    uuid = "0b6f3c7e-1111-4222-8333-abcdefabcdef"
    spans = batch(
        {"metadata": f'{{"thread_id": "{uuid}", "n": 1}}'},
        {"langfuse.trace.metadata.langfuse_session_id": f'"{uuid}"'},
        {"ai.telemetry.metadata.sessionId": f'"{uuid}"'},
    )
    hashed = hashlib.sha256(uuid.encode()).hexdigest()
    assert ids(spans, blocked_values=["^[0-9a-f-]{36}$"]) == [("", "")] * 3
    whole = {"blocked_values": ["^[0-9a-f-]{36}$"], "hash_function": "sha256"}
    assert ids(spans, **whole) == [(hashed, "")] * 3
    around = {"blocked_values": ['"thread_id": "[^"]*"'], "hash_function": "sha256"}
    assert ids(spans.slice(0, 1), **around) == [(hashed, "")]
    assert ids(spans.slice(0, 1), blocked_values=around["blocked_values"]) == [("", "")]


def test_json_that_no_utf_8_spells_is_redacted_too() -> None:
    [(session, _)] = ids(batch({"metadata": r'{"thread_id": "t", "n": "\ud800 a@b.co"}'}), blocked_values=["email"])
    assert session == "t"


def test_a_clean_id_under_a_further_key_is_used_where_a_member_was_masked() -> None:
    spans = batch({"metadata": '{"user_id": "a@b.co", "thread_id": "a@b.co"}', "user.hash": "h"})
    assert ids(spans, blocked_values=["email"]) == [("", "h")]


IDS = st.text(st.characters(exclude_categories=("C",)), max_size=6)


@given(st.dictionaries(st.sampled_from(["thread_id", "user_id", "n", "o.p"]), IDS | st.integers(0, 99)))
def test_no_id_is_left_in_json_in_which_something_matches(members: dict[str, object]) -> None:
    spans = batch({"metadata": json.dumps(members)}, {"metadata": json.dumps(members, ensure_ascii=False)})
    clear = ids(spans, blocked_values=["nothing"])
    for hash_function in ("none", "sha256"):
        for (session, user), (before, person) in zip(
            ids(spans, blocked_values=["[0-9xy]"], hash_function=hash_function), clear, strict=True
        ):
            for now, then in ((session, before), (user, person)):
                secret = bool(re.search("[0-9xy]", then))
                hashed = hashlib.sha256(then.encode()).hexdigest() if hash_function == "sha256" else ""
                assert now == (hashed if secret else then)


def test_users_that_were_found_before_are_not_merged_either() -> None:
    found = SessionProcessor(SessionConfig()).process(batch(*[{"user.id": f"id {who}"} for who in PEOPLE]))
    assert redacted(found, blocked_values=["email"])["UserId"].to_pylist() == [""] * 3
    assert len(set(redacted(found, blocked_values=["email"], hash_function="sha256")["UserId"].to_pylist())) == 3


def test_tags_and_metadata_that_were_found_before_are_redacted() -> None:
    own = {"langfuse.trace.tags": '["a@b.co", "beta"]', "langfuse.trace.metadata.mail": "a@b.co"}
    found = redacted(SessionProcessor(SessionConfig()).process(batch({}, own)), blocked_values=["email"])
    assert found["Tags"].to_pylist() == [[], ["****", "beta"]]
    assert found["Metadata"].to_pylist() == [[], [("mail", "****")]]


def test_the_next_key_makes_an_id_where_one_is_masked() -> None:
    listed = span(attributes={"session.id": ["no", "id"], "langfuse.session.id": "a@b.co", "session_id": "s"})
    spans = decode([request(listed, span(attributes={"session.id": "t"})).SerializeToString()], ["p"]).batch
    found = SessionProcessor(SessionConfig()).process(redacted(spans, blocked_values=["email"], mask="[gone]"))
    assert found["ClaimId"].to_pylist() == ["s", "t"]


def test_hashes_are_equal_for_equal_values_and_keyed_by_the_secret() -> None:
    spans = batch({"user": "ann"}, {"user": "bob"}, {"user": "ann", "other": "ann"})
    plain = attributes(redacted(spans, blocked_key_patterns=["^user$"], hash_function="sha256"))
    assert plain[0]["user"] == plain[2]["user"] == hashlib.sha256(b"ann").hexdigest() != plain[1]["user"]
    assert plain[2]["other"] == "ann"
    keyed = attributes(redacted(spans, blocked_key_patterns=["^user$"], hash_function="hmac-sha256", hash_secret="s"))
    assert keyed[0] == {"user": keyed[2]["user"]} != plain[0]


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("email", "write to ann.lee+x@mail.example.co.uk, please", "write to ****, please"),
        ("email", "no @ mail", "no @ mail"),
        ("card_number", "card 4111 1111 1111 1111 and 5500-0000-0000-0004", "card **** and ****"),
        ("card_number", "amex 378282246310005", "amex ****"),
        ("card_number", "order 4111 1111 1111 1112, card 4111111111111111", "order 4111 1111 1111 1112, card ****"),
        ("card_number", "4000000000000001", "4000000000000001"),
        ("card_number", "at 1767225600000000000 ns", "at 1767225600000000000 ns"),
        ("api_key", "key sk-proj-abcdefghijklmnopqrstuv0123", "key ****"),
        ("api_key", "AKIAIOSFODNN7EXAMPLE", "****"),
        ("api_key", "a risk-averse sk-ill", "a risk-averse sk-ill"),
        ("bearer_token", "Authorization: Bearer abc.def-123", "Authorization: ****"),
        ("ssn", "078-05-1120", "****"),
        ("ipv4", "from 10.0.255.1:80 by 1.2.3", "from ****:80 by 1.2.3"),
        (r"ORD-\d+", "ORD-17 and ORD-x", "**** and ORD-x"),
    ],
)
def test_what_matches_a_blocked_value_is_masked(name: str, text: str, left: str) -> None:
    assert attributes(redacted(batch({"a": text}), blocked_values=[name])) == [{"a": left}]


def test_every_place_of_text_is_searched() -> None:
    mail = {"m": "me@example.com"}
    spans = batch(
        mail,
        resource=mail,
        events=[event("e", attributes=mail), event("f", attributes=mail)],
        links=[link("1" * 32, "1" * 16, attributes=mail)],
        status="Error",
        message="me@example.com failed",
    )
    out = redacted(spans, blocked_values=["email"], mask="[mail]")
    masked = {"m": "[mail]"}
    assert attributes(out) == attributes(out, "ResourceAttributes") == [masked]
    assert [[dict(event) for event in row] for row in out["Events.Attributes"].to_pylist()] == [[masked, masked]]
    assert [[dict(link) for link in row] for row in out["Links.Attributes"].to_pylist()] == [[masked]]
    assert out["StatusMessage"].to_pylist() == ["[mail] failed"]


def test_values_that_were_taken_away_are_counted() -> None:
    counts: list[int] = []
    config = RedactionConfig.model_validate(
        {"dropped_key_patterns": ["^d"], "blocked_key_patterns": ["^b"], "blocked_values": ["email"]}
    )
    RedactionProcessor(config, counts.append).process(batch({"d": "1", "b": "2", "m": "me@example.com", "n": "3"}))
    assert sum(counts) == 3


@given(st.lists(ATTRIBUTES, max_size=6), st.integers(0, 5), st.integers(0, 5))
def test_it_is_the_same_for_each_span_alone_and_for_any_slice(
    rows: list[dict[str, str]], offset: int, length: int
) -> None:
    config = {"dropped_key_patterns": ["secret"], "blocked_key_patterns": ["password"], "blocked_values": ["[0-9]+"]}
    spans = batch(*rows)
    alone = [attributes(redacted(spans.slice(i, 1), **config))[0] for i in range(len(rows))]
    assert attributes(redacted(spans, **config)) == alone
    part = redacted(spans.slice(offset, length), **config)
    assert attributes(part) == alone[offset : offset + length]


@pytest.mark.parametrize(
    "config",
    [{"blocked_values": ["("]}, {"hash_function": "md5"}, {"hash_function": "hmac-sha256"}, {"mask": "\\1"}],
)
def test_a_configuration_without_sense_is_a_fault(config: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RedactionConfig.model_validate(config)
