"""The filter before the read-only SQL endpoint, against the engine itself and a secret beside its tables."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_sessions.errors import QueryError
from otel_sessions.sqlguard.all_projects import Read, ReadGuard, canonical
from tests.examples import examples
from tests.sqlguard.conftest import DATABASE, SECRET, TIMEOUT_S


def run(client: Client, read: Read) -> str:
    return read.run(client, "TabSeparated").decode("utf-8", "replace")


HOSTILE = [
    # files, the network, programs: table functions at every depth
    "SELECT * FROM file('{path}')",
    "SELECT * FROM File('{path}')",
    "SELECT * FROM `file`('{path}')",
    "SELECT * FROM \"fi\\x6ce\"('{path}')",
    "SELECT * FROM fileCluster('default', '{path}')",
    "SELECT * FROM (SELECT * FROM file('{path}'))",
    "WITH x AS (SELECT * FROM file('{path}')) SELECT * FROM x",
    "WITH (SELECT c1 FROM file('{path}')) AS x SELECT x",
    "WITH RECURSIVE x AS (SELECT * FROM file('{path}')) SELECT * FROM x",
    "SELECT 1 UNION ALL SELECT c2 FROM file('{path}')",
    "SELECT 1 INTERSECT SELECT c2 FROM file('{path}')",
    "(SELECT 1) EXCEPT (SELECT c2 FROM file('{path}'))",
    "SELECT a FROM t WHERE b IN (SELECT c1 FROM file('{path}'))",
    "SELECT a FROM t JOIN file('{path}') f ON f.c2 = t.a",
    "SELECT a FROM t, file('{path}')",
    "SELECT a FROM t ORDER BY (SELECT c2 FROM file('{path}'))",
    "SELECT a FROM t LIMIT (SELECT c2 FROM file('{path}'))",
    "SELECT exists(SELECT 1 FROM file('{path}'))",
    "SELECT arrayMap(x -> (SELECT c1 FROM file('{path}')), [1])",
    "SELECT * FROM view(SELECT * FROM file('{path}'))",
    "SELECT * FROM viewIfPermitted(SELECT * FROM file('{path}') ELSE null('c1 String'))",
    "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT * FROM file('{path}')))",
    "SELECT * FROM (EXPLAIN SELECT * FROM file('{path}'))",
    "SELECT * FROM loop(file('{path}'))",
    "SELECT * FROM cluster('default', file('{path}'))",
    "SELECT * FROM remote('127.0.0.1', file('{path}'))",
    "SELECT * FROM eval('SELECT * FROM file(\\'{path}\\')')",
    "SELECT * FROM merge('default', '.*')",
    "SELECT * FROM merge('.*')",
    "SELECT * FROM url('http://127.0.0.1:9/x', CSV, 'c1 String')",
    "SELECT * FROM urlCluster('default', 'http://127.0.0.1:9/x')",
    "SELECT * FROM s3('http://127.0.0.1:9/x')",
    "SELECT * FROM remote('127.0.0.1:9', system.one)",
    "SELECT * FROM remoteSecure('127.0.0.1:9', system.one)",
    "SELECT * FROM clusterAllReplicas('default', system.one)",
    "SELECT * FROM executable('cat {path}', CSV, 'c1 String', (SELECT 1))",
    "SELECT * FROM mysql('127.0.0.1:9', 'd', 't', 'u', 'p')",
    "SELECT * FROM postgresql('127.0.0.1:9', 'd', 't', 'u', 'p')",
    "SELECT * FROM mongodb('127.0.0.1:9', 'd', 't', 'u', 'p', 'x String')",
    "SELECT * FROM redis('127.0.0.1:9', 'k', 'k String, v String')",
    "SELECT * FROM sqlite('{path}', 't')",
    "SELECT * FROM jdbc('x', 'y')",
    "SELECT * FROM odbc('x', 'y')",
    "SELECT * FROM hdfs('hdfs://127.0.0.1:9/x')",
    "SELECT * FROM iceberg('http://127.0.0.1:9/x')",
    "SELECT * FROM deltaLakeLocal('{dir}')",
    "SELECT * FROM icebergLocal('{dir}')",
    "SELECT * FROM azureBlobStorage('x', 'y', 'z')",
    "SELECT * FROM input('a String')",
    "SELECT * FROM dictionary('d')",
    "SELECT * FROM Python(sys)",
    "SELECT * FROM python(sys)",
    "SELECT * FROM format(CSV, 'x')",
    "SELECT * FROM filesystem('{dir}')",
    "SELECT * FROM mergeTreeIndex(guarded, t)",
    "SELECT * FROM generateRandom('a UInt8')",
    # scalar functions
    "SELECT file('{path}')",
    "SELECT `file`('{path}')",
    "SELECT upper(concat('x', file('{path}')))",
    "SELECT a FROM t WHERE b = file('{path}')",
    "SELECT a FROM t ORDER BY a WITH FILL FROM length(file('{path}'))",
    "SELECT a FROM t LIMIT length(file('{path}'))",
    "SELECT sum(a) OVER (ORDER BY file('{path}')) FROM t",
    "SELECT a, a AS b FROM t ORDER BY a WITH FILL INTERPOLATE (b AS file('{path}'))",
    "SELECT * APPLY file FROM (SELECT '{path}' AS p)",
    "SELECT * APPLY(file) FROM (SELECT '{path}' AS p)",
    "SELECT COLUMNS('p') APPLY file FROM (SELECT '{path}' AS p)",
    "SELECT * APPLY(x -> file(x)) FROM (SELECT '{path}' AS p)",
    "SELECT * APPLY(x -> (SELECT c1 FROM default.`{path}`)) FROM (SELECT 1)",
    "SELECT * APPLY(x -> x IN default.`{path}`) FROM (SELECT 1)",
    "SELECT * APPLY quantiles((SELECT c2 FROM default.`{path}`)) FROM t",
    "SELECT * REPLACE(file('{path}') AS p) FROM (SELECT 1 AS p)",
    "SELECT arrayMap(file, ['{path}'])",
    "SELECT arrayMap(x -> file(x), ['{path}'])",
    "WITH file AS f SELECT arrayMap(f, ['{path}'])",
    "WITH x -> file(x) AS f SELECT f('{path}')",
    "SELECT hasColumnInTable('default', '{path}', 'c1')",
    "SELECT joinGet('default.x', 'a', 1)",
    "SELECT dictGet('d', 'a', 1)",
    "SELECT dictGetString('d', 'a', 1)",
    "SELECT dictHas('d', 1)",
    "SELECT aiGenerate('x')",
    "SELECT naiveBayesClassifier('m', 'x')",
    "SELECT catboostEvaluate('{path}', 1)",
    "SELECT sleep(1)",
    "SELECT sleepEachRow(1)",
    "SELECT logTrace('x')",
    "SELECT generateSerialID('x')",
    # tables that are files
    "SELECT * FROM default.`{path}`",
    'SELECT * FROM "default"."{path}"',
    "SELECT * FROM `default`.`{path}`",
    "SELECT * FROM `default.{path}`",
    "SELECT a IN default.`{path}` FROM t",
    "SELECT in(a, default.`{path}`) FROM t",
    "SELECT a FROM t WHERE (b, a) GLOBAL NOT IN default.`{path}`",
    "DESCRIBE TABLE default.`{path}`",
    "DESCRIBE file('{path}')",
    "DESCRIBE (SELECT * FROM file('{path}'))",
    "EXISTS TABLE default.`{path}`",
    "SHOW CREATE TABLE default.`{path}`",
    "SHOW TABLES WHERE '{secret}' IN (SELECT c1 FROM default.`{path}`)",
    "SHOW TABLES WHERE '{secret}' IN (SELECT c1 FROM file('{path}'))",
    "SHOW TABLES WHERE name = file('{path}')",
    "SHOW COLUMNS FROM t WHERE field = file('{path}')",
    "EXPLAIN SELECT * FROM file('{path}')",
    "EXPLAIN QUERY TREE SELECT file('{path}')",
    "EXPLAIN SYNTAX SELECT * FROM default.`{path}`",
    "EXPLAIN TABLE OVERRIDE mysql('127.0.0.1:9', 'd', 't', 'u', 'p') PARTITION BY x",
    # writing, and everything that is not reading
    "SELECT 1 INTO OUTFILE '{out}'",
    "SELECT 1 INTO OUTFILE '{out}' TRUNCATE FORMAT CSV",
    "SHOW TABLES INTO OUTFILE '{out}'",
    "DESCRIBE t INTO OUTFILE '{out}'",
    "EXPLAIN SELECT 1 INTO OUTFILE '{out}'",
    "EXPLAIN AST SELECT 1 INTO OUTFILE '{out}'",
    "EXISTS t INTO OUTFILE '{out}'",
    "INSERT INTO t (a) VALUES (7)",
    "INSERT INTO t (a) SELECT 7",
    "WITH x AS (SELECT 7) INSERT INTO t (a) SELECT * FROM x",
    "INSERT INTO FUNCTION file('{out}') SELECT 1",
    "EXPLAIN INSERT INTO t (a) SELECT 7",
    "EXPLAIN SYNTAX INSERT INTO FUNCTION file('{out}') SELECT 1",
    "CREATE TABLE u (a Int8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE u (a Int8)",
    "CREATE TABLE u ENGINE = File(CSV, '{path}')",
    "CREATE VIEW u AS SELECT * FROM file('{path}')",
    "CREATE FUNCTION f AS x -> x",
    "CREATE USER u",
    "CREATE NAMED COLLECTION c AS x = 1",
    "DROP TABLE t",
    "TRUNCATE TABLE t",
    "ALTER TABLE t DELETE WHERE 1",
    "DELETE FROM t WHERE 1",
    "UPDATE t SET b = 'z' WHERE 1",
    "RENAME TABLE t TO u",
    "EXCHANGE TABLES t AND v",
    "DETACH TABLE t",
    "ATTACH TABLE t",
    "OPTIMIZE TABLE t FINAL",
    "CHECK TABLE t",
    "UNDROP TABLE t",
    "BACKUP TABLE t TO File('{out}')",
    "RESTORE TABLE t FROM File('{out}')",
    "KILL QUERY WHERE 1",
    "SYSTEM FLUSH LOGS",
    "SYSTEM SHUTDOWN",
    "SET max_threads = 1",
    "SET readonly = 0",
    "USE default",
    "GRANT ALL ON *.* TO u",
    "EXECUTE AS default SELECT 1",
    "BEGIN TRANSACTION",
    "WATCH v",
    "MOVE TABLE t TO DISK 'x'",
    # several statements
    "SELECT 1; DROP TABLE t",
    "SELECT 1;\nSELECT 2",
    "SELECT 1 /* ; */ ; -- ;\n DROP TABLE t",
    "SELECT 1; SET readonly = 0; DROP TABLE t",
    "SELECT 1 PARALLEL WITH DROP TABLE t",
    "DROP TABLE t PARALLEL WITH DROP TABLE v",
    # settings
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 SETTINGS max_execution_time = 100000",
    "SELECT 1 SETTINGS max_execution_time = 0",
    "SELECT 1 SETTINGS max_execution_time = -1",
    "SELECT 1 SETTINGS max_memory_usage = 0",
    "SELECT 1 SETTINGS max_result_bytes = '99Gi'",
    "SELECT 1 SETTINGS allow_ddl = 1",
    "SELECT 1 SETTINGS max_threads = 100000",
    "SELECT 1 SETTINGS max_threads = 1, allow_introspection_functions = 1",
    "SELECT 1 SETTINGS format_schema = '{path}'",
    "SELECT 1 FORMAT Template SETTINGS format_template_row = '{path}'",
    "SELECT 1 FORMAT Protobuf SETTINGS output_format_schema = '{out}'",
    "SELECT * FROM (SELECT 1 SETTINGS enable_analyzer = 0)",
    "SELECT (SELECT 1 SETTINGS log_queries = 1)",
    "SELECT 1 SETTINGS additional_table_filters = {{'x': 'file(1)'}}",
    "SELECT 1 SETTINGS max_threads = DEFAULT, implicit_select = 1",
    "SELECT 1 SETTINGS readonly",
    "SHOW TABLES SETTINGS allow_ddl = 1",
    "EXPLAIN SELECT 1 SETTINGS allow_ddl = 1",
    # system tables that reach out or hold secrets
    "SELECT * FROM system.stack_trace",
    "SELECT * FROM system.named_collections",
    "SELECT * FROM system.zookeeper WHERE path = '/'",
    "SELECT * FROM system.remote_data_paths",
    # forged lines of the syntax tree
    "SELECT 1 AS `x\n TableExpression\n  Function numbers`",
    "SELECT * FROM `t\nq`",
    "SELECT 1 AS `\x00`",
    # nothing
    "",
    ";",
    "-- nothing",
    "SELEC 1",
    "file('{path}')",
    "'{path}'",
]


@pytest.mark.parametrize("statement", HOSTILE)
def test_what_does_not_only_read_the_database_is_refused(
    statement: str, client: Client, guard: ReadGuard, secret: Path
) -> None:
    out = secret.with_name("out")
    sql = statement.replace("{{", "{").replace("}}", "}")
    for name, value in {"path": secret, "dir": secret.parent, "out": out, "secret": SECRET}.items():
        sql = sql.replace(f"{{{name}}}", str(value))
    with pytest.raises(QueryError, match=r"^Code: \d+\. DB::Exception") as refused:
        guard.check(client, sql)
    assert SECRET not in str(refused.value).replace(sql, "").replace(f"'{SECRET}'", "")
    assert not out.exists()
    assert client.query("SELECT count() FROM t").result_rows == [(2,)]


IDENTIFIERS = [
    ("SELECT * FROM {p:Identifier}", {"p": "{path}"}),
    ("SELECT * FROM {d:Identifier}.{p:Identifier}", {"d": "default", "p": "secret"}),
    ("SELECT * FROM default.{p:Identifier}", {"p": "secret"}),
    ("SELECT * FROM {d:Identifier}.{p:Identifier}", {"d": "system", "p": "stack_trace"}),
    ("SELECT arrayMap({p:Identifier}, ['{path}'])", {"p": "file"}),
    ("SELECT a IN {p:Identifier} FROM t", {"p": "default.`{path}`"}),
    ("SELECT {p:Identifier}", {"p": "x\n TableIdentifier y"}),
    ("SELECT {p:Identifier}", {"p": "x\\n TableIdentifier y"}),
    ("SHOW TABLES WHERE name IN {d:Identifier}.{p:Identifier}", {"d": "other", "p": "x"}),
    ("DESCRIBE TABLE {d:Identifier}.{p:Identifier}", {"d": "default", "p": "x"}),
    ("EXISTS TABLE {d:Identifier}.{p:Identifier}", {"d": "default", "p": "x"}),
    ("SELECT * FROM {p:Identifier}", {}),
]


@pytest.mark.parametrize(("statement", "values"), IDENTIFIERS)
def test_a_bound_identifier_reaches_nothing_that_a_written_one_cannot(
    statement: str, values: dict[str, str], client: Client, guard: ReadGuard, secret: Path
) -> None:
    bound = {name: value.replace("{path}", str(secret)) for name, value in values.items()}
    with pytest.raises(QueryError):
        guard.check(client, statement.replace("{path}", str(secret)), bound)


BENIGN = [
    ("SELECT 1", "1"),
    ("select 1 -- comment\n;", "1"),
    ("(SELECT 1) UNION ALL (SELECT 1)", "1\n1"),
    ("FROM t SELECT count()", "2"),
    ("WITH x AS (SELECT a FROM t) SELECT max(a) FROM x", "2"),
    ("WITH x (n) AS (SELECT a FROM t) SELECT max(n) FROM x", "2"),
    ("WITH 2 AS two SELECT two", "2"),
    ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT max(n) FROM r", "3"),
    ("SELECT count() FROM guarded.t AS t1 INNER JOIN v USING (a)", "2"),
    ("SELECT row_number() OVER (PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t", "1\n1"),
    ("SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY a)", "1\n3"),
    ("SELECT arrayJoin([1, 2])", "1\n2"),
    ("SELECT k FROM t ARRAY JOIN mapKeys(m) AS k", "k"),
    ("SELECT a FROM t WHERE a IN (SELECT a FROM v) AND a IN v AND (a, b) IN (SELECT a, b FROM t) LIMIT 1", "1"),
    ("SELECT count() FROM t WHERE b IN ('x', 'file', 'default.x', '; DROP TABLE t')", "1"),
    ("SELECT m['k'], m.keys FROM t ORDER BY a DESC LIMIT 1", "v\t['k']"),
    ("SELECT * EXCEPT m REPLACE (a + 1 AS a) FROM t ORDER BY a LIMIT 1", "2\tx"),
    ("SELECT * APPLY toString FROM (SELECT a FROM t ORDER BY a)", "1\n2"),
    ("SELECT COLUMNS('a') FROM t ORDER BY 1", "1\n2"),
    ("SELECT t.* EXCEPT m FROM t ORDER BY a LIMIT 1", "1\tx"),
    ("SELECT count() FROM numbers(10) WHERE number % 2", "5"),
    ("SELECT * FROM generate_series(1, 2)", "1\n2"),
    ("SELECT * FROM values('x UInt8', 1)", "1"),
    ("SELECT * FROM view(SELECT a FROM t) ORDER BY a", "1\n2"),
    ("SELECT 1 INTERSECT SELECT 1", "1"),
    ("SELECT 1 EXCEPT SELECT 2", "1"),
    ("SELECT a FROM t ORDER BY a WITH FILL FROM 0 TO 3", "0\n1\n2"),
    ("SELECT quantile(0.5)(a) FROM t", "1.5"),
    ("SELECT countIf(a > 1), sum(DISTINCT a) FROM t GROUP BY GROUPING SETS ((a), ()) ORDER BY ALL LIMIT 1", "0\t1"),
    ("SELECT a FROM t PREWHERE a > 0 WHERE a < 9 ORDER BY a LIMIT 1 BY a LIMIT 1 OFFSET 1", "2"),
    ("SELECT CAST(1, 'UInt8')::String, CASE WHEN 1 THEN 'a' END, INTERVAL 1 DAY > 0 OR 1", None),
    ("SELECT 'a\nb', $$heredoc ' ; $$ FORMAT TSVRaw", "a\nb\theredoc ' ; "),
    ("SELECT 1 AS `select`, 2 AS settings, 3 AS `a b/c`", "1\t2\t3"),
    ("SELECT 1 AS format, 2 AS apply, 3 AS `FORMAT` FORMAT TSV", "1\t2\t3"),
    ("SELECT getSetting('max_threads') SETTINGS max_threads = 3, log_comment = 'a, b = 1'", "3"),
    ("SELECT 1 FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = 1", '{"1":1}'),
    (f"SELECT 1 SETTINGS max_execution_time = {TIMEOUT_S}", "1"),
    ("SELECT currentDatabase()", DATABASE),
    ("SELECT version(), timezone()", None),
    ("SELECT name, value, readonly AS readonly FROM system.settings LIMIT 10000", None),
    ("SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name", "t\nv"),
    ("SELECT count() > 0 FROM INFORMATION_SCHEMA.TABLES", "1"),
    ("SELECT count() FROM system.columns WHERE database = 'guarded' AND table = 't'", "3"),
    ("SHOW TABLES", "t\nv"),
    ("SHOW TABLES FROM guarded LIKE 't%'", "t"),
    ("SHOW FULL TABLES FROM guarded", None),
    ("SHOW DATABASES", None),
    ("SHOW CREATE TABLE t", None),
    ("SHOW CREATE TABLE guarded.v", None),
    ("SHOW COLUMNS FROM t", None),
    ("SHOW INDEXES FROM t", None),
    ("SHOW FUNCTIONS LIKE 'concat'", None),
    ("SHOW ENGINES", None),
    ("SHOW SETTINGS LIKE 'max_threads'", None),
    ("SHOW PROCESSLIST", None),
    ("DESCRIBE TABLE t", None),
    ("DESC guarded.t", None),
    ("DESCRIBE (SELECT 1 AS x)", None),
    ("EXISTS TABLE guarded.t", "1"),
    ("EXISTS t", "1"),
    ("EXISTS DATABASE default", "1"),
    ("EXPLAIN SELECT * FROM t", None),
    ("EXPLAIN indexes = 1 SELECT * FROM t WHERE a = 1", None),
    ("EXPLAIN AST SELECT 1", None),
    ("EXPLAIN SYNTAX SELECT 1", None),
    ("EXPLAIN QUERY TREE SELECT a FROM t", None),
    ("EXPLAIN PIPELINE SELECT a FROM t", None),
    ("EXPLAIN ESTIMATE SELECT a FROM t", None),
    # Grafana's macros, expanded
    (
        "SELECT toStartOfInterval(toDateTime(a), INTERVAL 60 second) AS time, count() FROM guarded.t "
        "WHERE (toDateTime(a) >= toDateTime(0) AND toDateTime(a) <= toDateTime(1700000000)) "
        "GROUP BY time ORDER BY time ASC LIMIT 1000",
        None,
    ),
]


@pytest.mark.parametrize(("sql", "answer"), BENIGN)
def test_reading_is_allowed_and_means_what_was_written(
    sql: str, answer: str | None, client: Client, guard: ReadGuard
) -> None:
    text = run(client, guard.check(client, sql))
    if answer is not None:
        assert text.rstrip("\n") == answer


BOUND = [
    ("SELECT {x:UInt8} + 1", {"x": "3"}, "4"),
    ("SELECT {x:String}", {"x": "a\\tb's %s; DROP TABLE t"}, "a\\tb\\'s %s; DROP TABLE t"),
    ("SELECT {x:Array(String)}[2]", {"x": "['a','it\\'s']"}, "it\\'s"),
    ("SELECT length({x:Array(String)})", {"x": "['a','b']"}, "2"),
    ("SELECT {x:Nullable(String)} IS NULL", {"x": "\\N"}, "1"),
    ("SELECT {x:Map(String, UInt8)}['k']", {"x": "{'k':1}"}, "1"),
    ("SELECT count() FROM {t:Identifier} WHERE {c:Identifier} = 1", {"t": "t", "c": "a"}, "1"),
    ("SELECT count() FROM {d:Identifier}.{t:Identifier}", {"d": DATABASE, "t": "t"}, "2"),
    ("SHOW TABLES FROM {d:Identifier}", {"d": DATABASE}, "t\nv"),
    ("SELECT 5 % 2", {"unused": "1"}, "1"),
    ("SELECT '{x:String}', 5 % 2", {"x": "1"}, "{x:String}\t1"),
]


@pytest.mark.parametrize(("sql", "values", "answer"), BOUND)
def test_parameters_are_bound_by_the_engine(
    sql: str, values: dict[str, str], answer: str | None, client: Client, guard: ReadGuard
) -> None:
    text = run(client, guard.check(client, sql, values))
    if answer is not None:
        assert text.rstrip("\n") == answer


@pytest.mark.parametrize("name", ["a$b", "$a", "`a b`"])
def test_a_parameter_is_never_pasted_into_the_text(name: str, client: Client, guard: ReadGuard) -> None:
    """clickhouse-connect formats with `%` where it finds no parameter that it knows."""
    values = {name.strip("`"): "1; DROP TABLE t"}
    with pytest.raises(QueryError):
        guard.check(client, f"SELECT '%({name.strip('`')})s', {{{name}:String}}", values)
    assert client.query("SELECT count() FROM t").result_rows == [(2,)]


def test_a_refusal_carries_the_code_clickhouse_would_give(client: Client, guard: ReadGuard) -> None:
    for sql, code in {
        "DROP TABLE t": 164,
        "SELECT file('x')": 497,
        "SELEC": 62,
        "SELECT 1 SETTINGS allow_ddl = 1": 452,
        "SELECT {x:UInt8}": 456,
    }.items():
        with pytest.raises(QueryError, match=rf"(?s)^Code: {code}\. DB::Exception: .*\([A-Z_]+\)$"):
            guard.check(client, sql)


def test_the_format_of_the_statement_is_told(client: Client, guard: ReadGuard) -> None:
    assert guard.check(client, "SELECT 1 FORMAT JSON").format == "JSON"
    assert guard.check(client, "SELECT 1 FORMAT JSON SETTINGS max_threads = 1").format == "JSON"
    assert guard.check(client, "SHOW TABLES FORMAT CSV").format == "CSV"
    assert guard.check(client, "SELECT 1 AS format").format is None


@pytest.mark.parametrize("sql", ["SHOW TABLES", "show tables from guarded", "SHOW TABLES IN `guarded`"])
def test_internal_tables_are_listed_behind_the_others(sql: str, client: Client, guard: ReadGuard) -> None:
    client.command(f"CREATE TABLE {DATABASE}._inside (a UInt8) ENGINE Memory")
    try:
        assert guard.check(client, sql).run(client, "TSV") == b"t\nv\n_inside\n"
        assert guard.check(client, f"{sql} FORMAT CSV").run(client, "TSV") == b'"t"\n"v"\n"_inside"\n'
        assert guard.check(client, "SHOW TABLES LIKE '%i%'").run(client, "TSV") == b"_inside\n"
        assert guard.check(client, "SELECT count() FROM _inside").run(client, "TSV") == b"0\n"
    finally:
        client.command(f"DROP TABLE {DATABASE}._inside SYNC")


def test_canonical_text_is_a_fixed_point(client: Client, guard: ReadGuard) -> None:
    for sql, _ in BENIGN:
        read = guard.check(client, sql)
        assert canonical(client, read.sql) == read.sql or sql.startswith("SHOW TABLES")


def test_the_list_of_table_functions_is_configuration(client: Client) -> None:
    with pytest.raises(QueryError, match="numbers"):
        ReadGuard(DATABASE, table_functions=[]).check(client, "SELECT * FROM numbers(1)")
    ReadGuard(DATABASE, table_functions=["generateRandom"]).check(
        client, "SELECT * FROM generateRandom('a Int8') LIMIT 1"
    )


def test_a_database_of_files_cannot_be_guarded() -> None:
    with pytest.raises(ValueError, match="default"):
        ReadGuard("default")


def test_a_statement_nested_too_deep_is_refused_and_not_a_crash(client: Client, guard: ReadGuard) -> None:
    for depth in (900, 100_000):
        for left, right in (("(", ")"), ("[", "]"), ("abs(", ")"), ("(SELECT ", ")"), ("NOT ", ""), ("- ", "")):
            with suppress(QueryError):
                guard.check(client, f"SELECT {left * depth}1{right * depth}")


_WRAPS = [
    "SELECT * FROM ({})",
    "WITH w AS ({}) SELECT * FROM w",
    "SELECT (SELECT count() FROM ({}))",
    "SELECT 1 WHERE 1 IN (SELECT 1 FROM ({}))",
    "({}) UNION ALL ({})",
    "SELECT * FROM numbers(1) AS n CROSS JOIN ({}) AS j",
    "SELECT arrayMap(x -> x + (SELECT count() FROM ({})), [1])",
    "SELECT * FROM view({})",
    "EXPLAIN {}",
    "DESCRIBE ({})",
    "SELECT 1 ORDER BY (SELECT count() FROM ({}))",
    "SELECT 1 LIMIT (SELECT count() FROM ({}))",
    "SELECT if(exists({}), 1, 2)",
]
_CORES = [
    "SELECT * FROM file('{path}')",
    "SELECT file('{path}')",
    "SELECT * FROM default.`{path}`",
    "SELECT arrayMap(file, ['{path}'])",
    "SELECT 1 IN default.`{path}`",
    "SELECT * APPLY file FROM (SELECT '{path}')",
    "SELECT * FROM url('http://127.0.0.1:9/x')",
    "SELECT 1 SETTINGS allow_ddl = 1",
]
_SLOW = settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))


def _nest(core: str, wraps: list[str]) -> str:
    for wrap in wraps:
        core = wrap.replace("{}", core)
    return core


@_SLOW
@given(core=st.sampled_from(_CORES), wraps=st.lists(st.sampled_from(_WRAPS), max_size=4))
def test_no_nesting_hides_a_file(core: str, wraps: list[str], client: Client, guard: ReadGuard, secret: Path) -> None:
    with pytest.raises(QueryError):
        guard.check(client, _nest(core.replace("{path}", str(secret)), wraps))


@_SLOW
@given(wraps=st.lists(st.sampled_from(_WRAPS[:8]), max_size=4))
def test_no_nesting_of_reads_is_refused(wraps: list[str], client: Client, guard: ReadGuard) -> None:
    guard.check(client, _nest("SELECT a FROM t", wraps))


_TEXT = """SELECT * FROM file('{path}') default . `{path}` t APPLY ( ) file x -> , '{path}' IN AS WITH 1 arrayMap [ ]
; SETTINGS = ` /* */ --"""
_PIECES = st.sampled_from([*_TEXT.split(), "\n"])


@_SLOW
@given(pieces=st.lists(_PIECES, max_size=12))
def test_whatever_passes_shows_no_secret(pieces: list[str], client: Client, guard: ReadGuard, secret: Path) -> None:
    sql = " ".join(["SELECT", *pieces]).replace("{path}", str(secret))
    try:
        answer = run(client, guard.check(client, sql))
    except Exception as error:  # noqa: BLE001 - refused here or by the engine
        answer = str(error)
    assert SECRET not in answer
    assert re.search(r"^2$", client.raw_query("SELECT count() FROM t").decode(), re.MULTILINE)
