from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.queries.language import FIELDS, LanguageError
from otel_sessions.queries.language.fields import Field
from otel_sessions.queries.language.parse import MAX_DEPTH, MAX_LENGTH, MAX_TERMS, parse
from otel_sessions.queries.language.tree import And, Compares, Is, Matches, Node, Not, Or, Span, Value, Words
from tests.queries.language.generated import expressions, terms

DAY = 86_400 * 10**9
NEW_YEAR = 1_767_225_600 * 10**9


def bare(*texts: str) -> tuple[Value, ...]:
    return tuple(Value(text, is_bare=True) for text in texts)


def point(number: str) -> tuple[Span, ...]:
    return (Span(Decimal(number), Decimal(number)),)


def field(name: str) -> Field:
    return FIELDS[name]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", And(())),
        (" \n\t ", And(())),
        ("user:ada", Matches(field("user"), "", bare("ada"))),
        ("user=ada", Matches(field("user"), "", bare("ada"))),
        ("model:gpt-4o,gpt-4.1", Matches(field("model"), "", bare("gpt-4o", "gpt-4.1"))),
        ("user::x", Matches(field("user"), "", bare(":x"))),
        ('id:"a b \\" \\\\ *"', Matches(field("id"), "", (Value('a b " \\ *'),))),
        ("user:ada@example.com,日本", Matches(field("user"), "", bare("ada@example.com", "日本"))),
        ("user:OR", Matches(field("user"), "", bare("OR"))),
        ("cost>0.5", Compares(field("cost"), "", ">", point("0.5"))),
        ("tokens>=10k", Compares(field("tokens"), "", ">=", point("10000"))),
        ("tokens<2M", Compares(field("tokens"), "", "<", point("2000000"))),
        ("turns=1,2", Compares(field("turns"), "", ":", (*point("1"), *point("2")))),
        ("duration>30s", Compares(field("duration"), "", ">", point("30000000000"))),
        ("duration<=1.5h", Compares(field("duration"), "", "<=", point("5400000000000"))),
        (
            "start:2026-01-01",
            Compares(field("start"), "", ":", (Span(Decimal(NEW_YEAR), Decimal(NEW_YEAR + DAY - 1)),)),
        ),
        ("start>2026-01-01T01:00:00.000000001+01:00", Compares(field("start"), "", ">", point(f"{NEW_YEAR + 1}"))),
        ("has:error", Is(field("has"), ("error",))),
        ("is:shared,bookmarked", Is(field("is"), ("shared", "bookmarked"))),
        ("metadata.tenant:acme", Matches(field("metadata."), "tenant", bare("acme"))),
        ('metadata."odd \\"key":5', Matches(field("metadata."), 'odd "key', bare("5"), (Decimal(5),))),
        ('attr.http.route:"/chat"', Matches(field("attr."), "http.route", (Value("/chat"),))),
        ("score.quality<0.5", Compares(field("score."), "quality", "<", point("0.5"))),
        ("metadata.size>big", Compares(field("metadata."), "size", ">", None)),
        ("refund", Words(("refund",))),
        ("refund*", Words(("refund",), is_beginning=True)),
        ("don't", Words(("don", "t"))),
        ("a,b!", Words(("a", "b"))),
        ('"not working*"', Words(("not", "working"))),
        ("or", Words(("or",))),
        ("NOT", Words(("NOT",))),
        ("a b OR c", Or((And((Words(("a",)), Words(("b",)))), Words(("c",))))),
        ("a AND b", And((Words(("a",)), Words(("b",))))),
        ("a (b OR c)", And((Words(("a",)), Or((Words(("b",)), Words(("c",))))))),
        ("-has:score", Not(Is(field("has"), ("score",)))),
        ('-"a b"', Not(Words(("a", "b")))),
        ("-(a OR b) c", And((Not(Or((Words(("a",)), Words(("b",))))), Words(("c",))))),
        ("( a )", Words(("a",))),
    ],
)
def test_an_expression_becomes_its_tree(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "position", "near"),
    [
        ("()", 0, ()),
        ("xx ( )", 3, ()),
        ("user:", 0, ()),
        ("a user: b", 2, ()),
        ("user:ada,", 0, ()),
        ("user:ada, bob", 0, ()),
        ("user:a,,b", 0, ()),
        ('user:""', 5, ()),
        ("--a", 0, ()),
        ("a - b", 2, ()),
        ("-", 0, ()),
        ("OR", 0, ()),
        ("a OR", 2, ()),
        ("AND a", 0, ()),
        ("a OR OR b", 5, ()),
        ("-OR", 1, ()),
        ("(a OR)", 3, ()),
        ("x (a (b)", 2, ()),
        ("a)", 1, ()),
        ("User:ada", 0, ("user",)),
        ("user:ada 日本 modle:x", 12, ("model",)),
        ("metdata.tenant:x", 0, ("metadata.tenant",)),
        ("metadata:x", 0, ("metadata.KEY",)),
        ("scores:x", 0, ("score.NAME", "cost")),
        ("session_id:x", 0, ("id",)),
        ("nonsense:x", 0, ()),
        ("has:eror", 4, ("error",)),
        ("is:bookmarked,Shared", 14, ("shared",)),
        ("has:*", 4, ()),
        ("cost>cheap", 5, ()),
        ("cost:1,2,x", 9, ()),
        ("cost>1,2", 7, ()),
        ("cost>NaN", 5, ()),
        ("cost>1e400", 5, ()),
        ("cost>٣", 5, ()),
        ("tokens>10K", 7, ()),
        ("duration>30", 9, ()),
        ("duration>30M", 9, ()),
        ("start>yesterday", 6, ()),
        ("start>2026-02-30", 6, ()),
        ("start>2026-01-01T10:00:00", 6, ()),
        ("start>2026-01-01T25:00:00Z", 6, ()),
        ("start>2026-01-01T10:00:00+24:00", 6, ()),
        ("user>ada", 0, ()),
        ("has>error", 0, ()),
        ("cost=>5", 0, ()),
        ("cost<>5", 0, ()),
        ("a = b", 2, ()),
        (":x", 0, ()),
        ("*", 0, ()),
        ("wo*rd", 0, ()),
        ("word**", 0, ()),
        ("!!!", 0, ()),
        ('""', 0, ()),
        ('"!"', 0, ()),
        ('ok "abc', 3, ()),
        (r'ok "a\n"', 3, ()),
        ('"a"b', 0, ()),
        ('a"b"', 0, ()),
        ("user:a&b", 5, ()),
        ("user:a,b&c", 7, ()),
        ("user:f(x)", 5, ()),
        ('user:-,"a"b', 7, ()),
        ("(a)b", 3, ()),
        ("metadata.:x", 0, ("metadata.KEY",)),
        ('metadata."":x', 9, ()),
        ("metadata.a&b:x", 0, ()),
        ('user."x":y', 0, ("user",)),
    ],
)
def test_what_is_not_of_the_language_is_refused_where_the_word_at_fault_begins(
    text: str, position: int, near: tuple[str, ...]
) -> None:
    with pytest.raises(LanguageError) as caught:
        parse(text)
    assert (caught.value.position, caught.value.did_you_mean) == (position, near)


@given(st.lists(terms, min_size=2, max_size=6))
def test_terms_side_by_side_must_all_hold_and_none_is_dropped(written: list[str]) -> None:
    trees = tuple(map(parse, written))
    assert parse(" ".join(written)) == parse(" AND ".join(written)) == And(trees)
    assert parse(" OR ".join(written)) == Or(trees)


@given(expressions, expressions)
def test_groups_and_negations_are_of_what_stands_in_them(one: str, other: str) -> None:
    assert parse(f"({one})") == parse(one)
    assert parse(f"-({one})") == Not(parse(one))
    assert parse(f"({one}) OR ({other})") == Or((parse(one), parse(other)))


PIECES = ["user", "metadata.", "has", "OR", "AND", *':=>,-()"\\*a é1']


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_any_text_is_read_or_refused_with_a_position_in_it(text: str) -> None:
    found = None
    try:
        parse(text)
    except LanguageError as error:
        found = error
    assert found is None or 0 <= found.position < len(text)


def test_an_expression_is_bounded() -> None:
    assert parse(" ".join(["a"] * MAX_TERMS))
    assert parse("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH)
    for text in (
        " ".join(["a"] * (MAX_TERMS + 1)),
        "(" * 60_000,
        "x" * (MAX_LENGTH + 1),
        "user:" + "a," * 30_000 + "a",
    ):
        with pytest.raises(LanguageError):
            parse(text)
