from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.genai.config import GenAiConfig
from otel_sessions.genai.content import Families, last_said, message_texts
from otel_sessions.genai.messages import MODEL, USER
from otel_sessions.pdata.attributes import Named
from otel_sessions.pdata.schema import ATTRIBUTES
from otel_sessions.processors.genai import GenAiProcessor
from otel_sessions.testing.otlp import Attributes, span
from tests.processors.session.reading import batch_of, rows_of

FAMILY = "a.b.N.*"


def said(*rows: dict[str, str], roles: frozenset[str] = USER) -> list[str | None]:
    column = pa.array([list(row.items()) for row in rows], ATTRIBUTES)
    pieces = Families([FAMILY]).pieces(Named.of(column)).get(FAMILY)
    if pieces is None:
        return [None] * len(rows)
    wanted = np.ones(len(rows), np.bool_)
    mask, texts = last_said(pieces, roles, wanted, lambda texts: message_texts(texts, roles))
    found = iter(texts.to_pylist())
    return [next(found) if has else None for has in mask]


def test_the_last_message_of_the_role_is_taken_of_each_row() -> None:
    first = {"a.b.0.role": "User", "a.b.0.content": "one", "a.b.1.role": "assistant", "a.b.1.content": "two"}
    second = {"a.b.10.role": "user", "a.b.10.content": "ten", "a.b.9.role": "user", "a.b.9.content": "nine"}
    assert said(first, {"other": "x"}, second) == ["one", None, "ten"]
    assert said(first, {}, second, roles=MODEL) == ["two", None, "ten"]


def test_without_the_role_the_last_message_is_taken() -> None:
    assert said({"a.b.0.content": "one", "a.b.1.content": "two"}) == ["two"]
    assert said({"a.b.0.role": "system", "a.b.0.content": "one", "a.b.1.role": "user"}) == ["one"]


def test_text_comes_before_calls_of_tools() -> None:
    call = {"a.b.0.tool_calls.0.name": "t", "a.b.0.tool_calls.0.arguments": "{}"}
    assert said(call) == ["t({})"]
    assert said(call | {"a.b.0.content": "text"}) == ["text"]
    assert said({"a.b.0.tool_calls.0.name": "t"}, {"a.b.0.message.function_call_name": "f"}) == ["t", "f"]


@pytest.mark.parametrize(
    "key",
    [
        *(
            "a.b.",
            "a.b.0",
            "a.b.0.",
            "a.b.x.content",
            "a.b.0.finish_reason",
            "a.b.1234567.content",
            "a.b.٣.content",
            "9",
        ),
        *("a.b0.content", "xa.b.0.content", "a.b.-1.content", "a.b.0.contents.x.message_content.text", ""),
    ],
)
def test_other_keys_are_not_of_the_family(key: str) -> None:
    assert said({key: "text"}) == [None]
    assert said({key: "text", "a.b.0.content": ""}) == [None]


KEYS = st.builds(
    "a.b.{}.{}".format,
    st.integers(0, 11) | st.sampled_from(["x", "007"]),
    st.sampled_from(
        ["role", "content", "tool_calls.0.name", "tool_calls.0.arguments", "contents.1.message_content.text"]
    ),
) | st.text(max_size=8)


@given(st.lists(st.dictionaries(KEYS, st.sampled_from(["user", "assistant", "text", "[1]", '{"role', ""])), max_size=5))
def test_rows_do_not_mix(rows: list[dict[str, str]]) -> None:
    assert said(*rows) == [said(row)[0] for row in rows]


@given(st.dictionaries(st.integers(0, 10**5), st.tuples(st.sampled_from(["user", "tool"]), st.text(min_size=1))))
def test_messages_are_ordered_by_their_number(messages: dict[int, tuple[str, str]]) -> None:
    row = {
        f"a.b.{n}.{name}": part
        for n, (role, text) in messages.items()
        for name, part in (("role", role), ("content", text))
    }
    wanted = {n: text for n, (role, text) in messages.items() if role == "user"} or {
        n: t for n, (_, t) in messages.items()
    }
    expected = wanted[max(wanted)] if wanted else None
    [found] = said(row)
    assert found == expected or (expected is not None and expected[0] in "[{")


def test_a_family_stands_in_a_list_like_a_key() -> None:
    config = GenAiConfig(input_keys=("first", FAMILY, "last"), output_keys=(FAMILY,))
    attributes: list[Attributes] = [
        {"first": "1", "a.b.0.content": "2", "last": "3"},
        {"a.b.0.content": "2", "last": "3"},
        {"last": "3"},
        {},
    ]
    batch = GenAiProcessor(config).process(batch_of(*[span(attributes=each) for each in attributes]))
    assert [(row["Input"], row["Output"]) for row in rows_of(batch)] == [("1", "2"), ("2", "2"), ("3", ""), ("", "")]


def test_a_part_of_a_batch_is_read_like_a_batch() -> None:
    spans = [span(attributes={"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": f"q{n}"}) for n in range(9)]
    whole = batch_of(*spans)
    part = GenAiProcessor(GenAiConfig()).process(whole.slice(3, 4))
    assert [row["Input"] for row in rows_of(part)] == ["q3", "q4", "q5", "q6"]
