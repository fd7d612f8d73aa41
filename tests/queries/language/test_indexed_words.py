"""The index of words leaves out no turn in which the words of an expression are."""

from __future__ import annotations

import os
import random

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.sql import statement
from otel_sessions.queries.filters import Filter
from otel_sessions.queries.language.superset import LAST_END
from otel_sessions.queries.language.words import expression, runs, tokens
from otel_sessions.queries.rows import composed

EXAMPLES = int(os.environ.get("WORDS_EXAMPLES", "8"))
INDEXED = statement("otel_sessions.sessions.parts", "words_of_turn")
LONG_S, KELVIN = chr(0x17F), chr(0x212A)
PIECES = (
    *("a", "sk", "Sk", f"{LONG_S}{KELVIN}", "ASK", "é", "É", "ß", "ẞ", "İ", "i", chr(0x131), "ﬁ", "ǅ", "e\u0301", "1"),
    *(chr(0xFF12), "漢", "字", "か", "ไ", "_", "-", "—", "“", " ", "\u00a0", ".", "\n", "\x00", "🙂"),
)


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_what_has_the_words_has_their_tokens(otel_client: Client, seed: int) -> None:
    rnd = random.Random(seed)
    wanted = ""
    while not runs(wanted):
        wanted = "".join(rnd.choices(PIECES, k=rnd.randint(1, 4)))
    found, is_beginning = runs(wanted), rnd.random() < 0.3
    said = ["".join(rnd.choices([*PIECES, wanted, wanted.swapcase()], k=rnd.randint(1, 6))) for _ in range(1000)]
    needed = dict(enumerate(tokens(found, is_beginning=is_beginning)))
    indexed = " AND ".join(["1", *(f"hasToken({INDEXED}, {{token_{number}:String}})" for number in needed)])
    sql = (
        f"SELECT count() AS Matching, groupArrayIf(said, NOT ({indexed})) AS Missed FROM "
        "(SELECT arrayJoin({said:Array(String)}) AS said, concat('123456789', said) AS InputPick, "
        "concat('123456789', said) AS OutputPick) WHERE match(said, {pattern:String})"
    )
    parameters = {
        "said": said,
        "pattern": expression(found, is_beginning=is_beginning),
        **{f"token_{number}": token for number, token in needed.items()},
    }
    [(matching, missed)] = otel_client.query(sql, parameters).result_rows
    assert (matching > 0, missed) == (True, []), wanted


@pytest.mark.parametrize(
    ("text", "is_beginning", "found"),
    [
        ("Refund", False, ("refund",)),
        ("refund not working", True, ("refund", "not")),
        ("größe", True, ("gr",)),
        (f"{LONG_S}{KELVIN}y", False, ("sky",)),
        ("漢字", False, ()),
    ],
)
def test_tokens_are_the_runs_of_ascii(text: str, is_beginning: bool, found: tuple[str, ...]) -> None:
    assert tokens(runs(text), is_beginning=is_beginning) == found


@pytest.mark.parametrize(("query", "said"), [("refund", "Refund"), ("ask", f"A{LONG_S}k"), ("asks", f"as{KELVIN}S")])
def test_a_search_of_texts_reads_the_index(otel_client: Client, query: str, said: str) -> None:
    columns = "Project, SessionId, TraceId, OutputPick"
    otel_client.command(f"INSERT INTO _session_turns ({columns}) VALUES ('words {query}', 's', 't', '123456789{said}')")
    superset = Filter(query=query).superset(0, with_texts=True)
    sql = composed("list_bounds", KEY=LAST_END, SUPERSET=superset.sql)
    parameters = {"project": f"words {query}", "limit": 5, **superset.parameters}
    plan = otel_client.query(f"EXPLAIN indexes = 1 {sql}", parameters).result_rows
    assert any("idx_words" in line for (line,) in plan)
    assert [row[0] for row in otel_client.query(sql, parameters).result_rows] == ["s"]
