"""SQL and the evaluator choose the same sessions; HYPOTHESIS_LANGUAGE_EXAMPLES=3500 tries 100,000 expressions."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.queries.language import condition
from otel_sessions.queries.language.parse import parse
from otel_sessions.queries.language.words import of_one_form, rare_forms
from tests.queries.language.evaluator import folded, holds
from tests.queries.language.generated import NOW, expressions, sessions
from tests.queries.language.records import DATABASE, SessionRecord, create, store

EXAMPLES = int(os.environ.get("HYPOTHESIS_LANGUAGE_EXAMPLES", "15"))


@pytest.fixture(scope="module")
def client(chdb_endpoint: Endpoint) -> Iterator[Client]:
    opened = connect(chdb_endpoint)
    create(opened)
    opened.database = DATABASE
    yield opened
    opened.close()


def chosen(client: Client, written: list[str]) -> list[set[str]]:
    """The ids of the sessions that each expression chooses, in one statement."""
    conditions = [condition(parse(each), now_ns=NOW) for each in written]
    columns, parameters = [], {"project": "p"}
    for number, each in enumerate(conditions):
        columns.append(each.sql.replace("{q", f"{{c{number}q"))
        parameters |= {f"c{number}{name}" if name[0] == "q" else name: value for name, value in each.parameters.items()}
    sql = f"SELECT SessionId, [{', '.join(f'toUInt8({column})' for column in columns)}] AS Found FROM sessions"
    rows = [json.loads(line) for line in client.raw_query(sql, parameters, fmt="JSONEachRow").splitlines()]
    return [{row["SessionId"] for row in rows if row["Found"][number]} for number in range(len(written))]


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(sessions(), st.lists(expressions, min_size=20, max_size=40))
def test_sql_chooses_the_sessions_that_the_evaluator_chooses(
    client: Client, records: list[SessionRecord], written: list[str]
) -> None:
    store(client, "p", records)
    for expression, found in zip(written, chosen(client, written), strict=True):
        expected = {record.id for record in records if holds(parse(expression), record, NOW)}
        assert found == expected, expression


def cases() -> Iterator[tuple[str, str]]:
    """Letters of all scripts with those that upper, lower, title case or folding makes of them, both ways."""
    for point in range(0x20, 0x20000):
        letter = chr(point)
        for other in {letter.lower(), letter.upper(), letter.title(), letter.casefold()} - {letter}:
            if len(other) == 1:
                yield letter, other
                yield other, letter
    for some in (
        "Ss\u017f",
        "Kk\u212a",
        "Ii\u0130\u0131",
        "\u00df\u1e9eS",
        "\u03a3\u03c3\u03c2",
        "\u00c5\u00e5\u212b",
        "\u03a9\u03c9\u2126",
    ):
        yield from ((one, other) for one in some for other in some if one != other)


def test_every_letter_is_found_in_all_its_cases_and_the_fast_look_misses_none(client: Client) -> None:
    """The fast look goes over many long texts with one constant: it searches otherwise where it has little to do."""
    pairs = sorted(set(cases()))
    assert len(pairs) > 2_900
    sql = """
        SELECT match(row.2, concat('(?i)', row.1)) AS Found
        FROM (SELECT arrayJoin({rows:Array(Tuple(String, String))}) AS row)"""
    found = client.raw_query(sql, {"rows": [(f"x{a}yz", f"x{b}yz") for a, b in pairs]}, fmt="TSV").split()
    assert [
        pair
        for pair, is_found in zip(pairs, found, strict=True)
        if int(is_found) != (folded(pair[0]) == folded(pair[1]))
    ] == []

    client.command("CREATE OR REPLACE TABLE _cases (Letter String, Text String) ENGINE = Memory")
    texts = [(letter, f"{'what was said before ' * 4}x{letter}yz") for letter in sorted({text for _, text in pairs})]
    client.insert("_cases", texts)
    missed, letters = [], sorted({letter for letter, _ in pairs})
    for start in range(0, len(letters), 100):
        some = letters[start : start + 100]
        looks, parameters = [], {}
        for number, letter in enumerate(some):
            parameters[f"s{number}"] = of_one_form(f"x{letter}yz")
            rare = f" OR match(Text, '[{forms}]')" if (forms := rare_forms(parameters[f"s{number}"])) else ""
            looks.append(f"groupArrayIf(Letter, positionCaseInsensitiveUTF8(Text, {{s{number}:String}}) > 0{rare})")
        sought = client.query(f"SELECT {', '.join(looks)} FROM _cases", parameters).result_rows[0]
        known = dict(zip(some, map(set, sought), strict=True))
        missed += [(a, b) for a, b in pairs if a in known and folded(a) == folded(b) and b not in known[a]]
    client.command("DROP TABLE _cases")
    assert missed == []
