"""A name is refused where it stands for a function, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_sessions.errors import QueryError
from otel_sessions.sqlguard.all_projects import ReadGuard, canonical
from tests.sqlguard.conftest import DATABASE, SECRET

_MANY = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module", autouse=True)
def table(client: Client) -> Iterator[None]:
    """One whose name, and whose columns' names, are those of functions that are refused."""
    client.command(f"CREATE TABLE {DATABASE}.file (file String, url UInt8, sleep Array(UInt8)) ENGINE Memory")
    client.command(f"INSERT INTO {DATABASE}.file VALUES ('f', 7, [2, 1])")
    yield
    client.command(f"DROP TABLE {DATABASE}.file SYNC")


NAMES = [
    ("SELECT 1 AS file", "1"),
    ("SELECT 1 AS sleep ORDER BY sleep", "1"),
    ("SELECT 1 file, 2 AS `url`", "1\t2"),
    ("SELECT file, url, sleep FROM file", "f\t7\t[2,1]"),
    ("SELECT file.file, t.url FROM file AS t", "f\t7"),
    ("SELECT upper(file) AS s3, url + 1 AS remote FROM file WHERE file = 'f' AND url IN (7) GROUP BY ALL", "F\t8"),
    ("SELECT max(url) AS sleep FROM file GROUP BY file HAVING sleep > 1 ORDER BY sleep LIMIT 1 BY sleep", "7"),
    (
        "SELECT arraySort(sleep), arrayMap(file -> file + 1, sleep), arrayMap(x -> x, sleep) FROM file",
        "[1,2]\t[3,2]\t[2,1]",
    ),
    ("SELECT sleep[1], file || 'x', sleep.size0, mapKeys(map('a', file)) FROM file", "2\tfx\t2\t['a']"),
    ("SELECT sum(url) OVER sleep FROM file WINDOW sleep AS (ORDER BY file)", "7"),
    ("WITH file AS (SELECT 1 AS url) SELECT url FROM file", "1"),
    ("WITH file (url) AS (SELECT 1), url (file, remote) AS (SELECT 2, 3) SELECT * FROM file, url", "1\t2\t3"),
    ("WITH 1 AS file SELECT file", "1"),
    ("SELECT dictGet FROM (SELECT 1 AS dictGet)", "1"),
    ("SELECT sleep FROM (SELECT 1) AS file (sleep)", "1"),
    ("SELECT file FROM file ARRAY JOIN sleep AS url ORDER BY url LIMIT 1", "f"),
    ("SELECT * EXCEPT (file, sleep) REPLACE (url + 1 AS url) FROM file", "8"),
    ("SELECT url FROM file AS a INNER JOIN file AS b USING (url, file)", "7"),
    ("SELECT 7 IN (SELECT url FROM file), url IN (file, url) FROM (SELECT 1 AS url, 2 AS file)", "1\t1"),
    ("SELECT file FROM file ORDER BY file WITH FILL INTERPOLATE (url AS url)", None),
    ("SELECT default.url FROM file AS default", "7"),
    ("SELECT 'file(1)', '-- url(2)' AS `file(3)`", "file(1)\t-- url(2)"),
    ("SELECT {c:Identifier} FROM {t:Identifier}", "f"),
    ("DESCRIBE TABLE file", None),
    ("EXISTS file", "1"),
    ("SHOW CREATE TABLE file", None),
    ("EXPLAIN SELECT file FROM file", None),
]


@pytest.mark.parametrize(("sql", "answer"), NAMES)
def test_a_name_that_is_no_call_is_never_refused(
    sql: str, answer: str | None, client: Client, guard: ReadGuard
) -> None:
    read = guard.check(client, sql, {"c": "file", "t": "file"})
    if answer is not None:
        assert read.run(client, "TSV").decode().rstrip("\n") == answer


_FUNCTIONS = """file sleep sleepEachRow url s3 remote cluster mysql executable python loop merge dictGet dictGetString
joinGet hasColumnInTable catboostEvaluate input dictionary"""
_REFUSED = st.sampled_from(_FUNCTIONS.split())
_POSITIONS = st.sampled_from(
    [
        "SELECT 1 AS {}",
        "SELECT {} FROM t",
        "SELECT t.{} FROM t",
        "SELECT max({}) AS x, {} + 1 FROM t WHERE {} = 1 GROUP BY {} HAVING {} ORDER BY {} LIMIT 1 BY {}",
        "SELECT arrayMap({} -> {} + 1, xs) FROM t",
        "SELECT arraySort({}), arrayFilter(x -> x > {}, {}) FROM t",
        "WITH {} (a) AS (SELECT 1) SELECT a FROM {}",
        "WITH 1 AS {} SELECT {}",
        "SELECT sum(a) OVER {} FROM t WINDOW {} AS (ORDER BY {})",
        "SELECT * EXCEPT ({}) FROM t AS {}",
        "SELECT a FROM t AS l INNER JOIN t AS {} USING ({})",
        "SELECT tuple(1 AS {}).1 IN ({}, 2)",
        "SELECT (SELECT {} FROM (SELECT 1 AS {}))",
    ]
)


@_MANY
@given(name=_REFUSED, position=_POSITIONS, quoted=st.booleans())
def test_no_position_of_a_mere_name_is_refused(
    name: str, position: str, quoted: bool, client: Client, guard: ReadGuard
) -> None:
    guard.check(client, position.replace("{}", f"`{name}`" if quoted else name))


_CALLS = st.sampled_from(["{}('x')", "`{}`('x')", "{} ('x', 1)", "{}/**/(\n'x')", "arrayMap({}, ['x'])"])
_CALL_POSITIONS = """SELECT {}|SELECT 1 AS x, {} AS y|SELECT * FROM t WHERE {}|SELECT * FROM t PREWHERE {}
SELECT * FROM t GROUP BY {}|SELECT * FROM t HAVING {}|SELECT * FROM t QUALIFY {}
SELECT * FROM t ORDER BY {}|SELECT * FROM t LIMIT {}|SELECT * FROM t LIMIT 1 OFFSET {}
SELECT * FROM t LIMIT 1 BY {}|SELECT * FROM t ORDER BY a WITH FILL FROM {} TO 2
SELECT * FROM t ORDER BY a WITH FILL INTERPOLATE (a AS {})
SELECT sum(a) OVER (ORDER BY {}) FROM t
SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN {} PRECEDING AND CURRENT ROW) FROM t
SELECT DISTINCT ON ({}) * FROM t|SELECT sum(a) OVER w FROM t WINDOW w AS (PARTITION BY {})
SELECT quantile({})(a) FROM t|SELECT a IN {} FROM t|SELECT * FROM t ARRAY JOIN [{}] AS x
SELECT * FROM t JOIN v ON {}|SELECT * REPLACE ({} AS a) FROM t|SELECT CASE {} WHEN 1 THEN {} END
SELECT if(1, {}, 2)|SELECT a BETWEEN {} AND 2|SELECT [{}], ({}, 1)|SELECT x -> {}
SELECT arrayMap(x -> {}, [1])|WITH {} AS x SELECT x|WITH x -> {} AS f SELECT f(1)
WITH x AS (SELECT {}) SELECT * FROM x|SELECT 1 UNION ALL SELECT {}|SELECT (SELECT {})
SELECT exists(SELECT {})|SELECT * FROM view(SELECT {})|SELECT * FROM values('x String', {})
SELECT * FROM numbers({})|SELECT {}::String|SELECT INTERVAL {} DAY|SELECT {}.1
SELECT a FROM t WHERE a = {} SETTINGS max_threads = 1|EXPLAIN SELECT {}|EXPLAIN AST SELECT {}
EXPLAIN SYNTAX SELECT {}|DESCRIBE (SELECT {})|SHOW TABLES WHERE {}|SHOW TABLES LIMIT {}
SELECT 1 SETTINGS additional_result_filter = $${}$$|FROM t SELECT {}
SELECT sum(a) FILTER (WHERE {}) FROM t
SELECT 1 FROM t WHERE a IN (SELECT a FROM t SETTINGS additional_table_filters = {'t': $${}$$})""".replace(
    "\n", "|"
).split("|")


@_MANY
@given(name=_REFUSED, call=_CALLS, position=st.sampled_from(_CALL_POSITIONS))
def test_no_position_of_a_call_is_let_through(
    name: str, call: str, position: str, client: Client, guard: ReadGuard
) -> None:
    with pytest.raises(QueryError):
        guard.check(client, position.replace("{}", call.replace("{}", name)))


def test_a_syntax_tree_hides_no_position_but_those_that_are_looked_at_otherwise(client: Client) -> None:
    """What a new engine leaves out of `EXPLAIN AST` would pass unseen."""
    hidden = set()
    for position in _CALL_POSITIONS:
        if "SETTINGS additional" in position:
            continue
        try:
            text = canonical(client, position.replace("{}", "nothing('x')"))
        except QueryError:
            continue
        if "Function nothing" not in client.raw_query(f"EXPLAIN AST {text}").decode():
            hidden.add(position)
    assert hidden == {"SHOW TABLES WHERE {}", "SHOW TABLES LIMIT {}"}


def test_a_name_handed_to_any_function_reads_no_file(client: Client, guard: ReadGuard, secret: Path) -> None:
    """Whatever function of the engine takes the name of another, in whatever place."""
    names = client.raw_query(
        "SELECT name FROM system.functions WHERE higher_order OR match(name, '^(array|map|apply)')",
        fmt="TSV",
    )
    for name in names.decode().split():
        for arguments in ("file, [{}]", "[{}], file", "file, [{}], {}"):
            sql = f"SELECT {name}({arguments.replace('{}', repr(str(secret)))})"
            try:
                found = guard.check(client, sql).run(client, "TSV").decode()
            except Exception as error:  # noqa: BLE001 - refused here or by the engine
                found = str(error)
            assert SECRET not in found, sql


def test_a_name_of_a_file_handed_to_any_function_opens_no_table(client: Client, guard: ReadGuard, secret: Path) -> None:
    """`x IN name` reads a table; so may other functions of the kind, by whatever name."""
    names = client.raw_query(
        "SELECT name FROM system.functions WHERE name ILIKE '%in%' AND NOT is_aggregate", fmt="TSV"
    )
    for name in names.decode().split():
        with pytest.raises(Exception, match=r"Code: (46|47|497)\."):
            guard.check(client, f"SELECT {name}(('a', 1), default.`{secret}`)").run(client, "TSV")
