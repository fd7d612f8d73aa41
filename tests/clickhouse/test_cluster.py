"""What the migrations are on a cluster. That they hold there what they promise: tests/integration/on_cluster.py.

`UPDATE_GOLDEN=1 pytest tests/clickhouse/test_cluster.py` writes the golden file anew; read its difference.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from clickhouse_connect.driver.client import Client

from otel_sessions.cli.app import app
from otel_sessions.clickhouse.client import DEFAULT_DATABASE
from otel_sessions.clickhouse.cluster import Layout
from otel_sessions.errors import SchemaError
from otel_sessions.sessions import migrations
from otel_sessions.sessions.migrations import BY_TRACE

GOLDEN = Path(__file__).parent.parent / "testdata" / "cluster.txt"
_PLACES = re.compile(r"\b(?:CREATE|ALTER|FROM|TO|JOIN|AS)\b.*`otel`|^ENGINE = |^EMPTY")


def layout() -> Layout:
    made = migrations.layout("otel", "prod")
    assert made is not None
    return made


def rendered(through: int = 9999) -> list[str]:
    return [
        sql
        for migration in migrations.migrations()
        if migration.version <= through
        for statement in migration.statements
        for sql in layout().render(statement)
    ]


def test_where_tables_are_and_what_reads_them_is_as_the_golden_file_says() -> None:
    """Of the spans, what is made of them, and scores; other tables are as those of scores."""
    lines = [
        line.strip() for sql in rendered(4) for line in [*sql.splitlines(), ""] if not line or _PLACES.search(line)
    ]
    text = "\n".join(lines)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, "utf-8")
    assert text == GOLDEN.read_text("utf-8")


def test_clickhouse_can_read_every_statement(otel_client: Client) -> None:
    for sql in [layout().make_database(), *rendered()]:
        assert otel_client.query(f"EXPLAIN AST {sql}").result_rows


def test_one_text_is_for_both(otel_client: Client) -> None:
    """What is not about places is not touched."""
    plain = "\n".join(migration.sql for migration in migrations.migrations())
    words = set(re.findall(r"COMMENT '[^']*'|CODEC\(.*?\)", plain))
    assert words <= set(re.findall(r"COMMENT '[^']*'|CODEC\(.*?\)", "\n".join(rendered())))
    for migration in migrations.migrations():
        assert "ON CLUSTER" not in migration.sql
        assert "Replicated" not in migration.sql


def test_what_grows_with_spans_lies_with_its_trace() -> None:
    """A view fills tables of its own shard, or one that every server has and that takes the same row twice for one."""
    plain = "\n".join(migration.sql for migration in migrations.migrations())
    filled = re.findall(r"MATERIALIZED VIEW IF NOT EXISTS \w+ TO (\w+)", plain)
    assert filled
    for table in set(filled) - BY_TRACE:
        assert f"CREATE TABLE IF NOT EXISTS `otel`.{table} ON CLUSTER" in "\n".join(rendered())
        assert re.search(rf"TABLE IF NOT EXISTS {table}\n.*?ENGINE = ReplacingMergeTree", plain, re.DOTALL)
    assert layout().names >= BY_TRACE


def test_every_table_that_keeps_rows_has_replicas() -> None:
    for sql in rendered():
        for engine in re.findall(r"^ENGINE = (\w+)", sql, re.MULTILINE):
            assert engine.startswith("Replicated") or engine in ("Distributed", "Null"), sql


def test_a_statement_of_an_unknown_kind_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="OPTIMIZE TABLE otel_traces"):
        layout().render("OPTIMIZE TABLE otel_traces")


def test_a_database_of_one_server_is_not_taken_for_one_of_a_cluster(otel_client: Client) -> None:
    with pytest.raises(SchemaError, match="has the tables of one server, not of the cluster prod"):
        migrations.pending(otel_client, DEFAULT_DATABASE, "prod")


@pytest.mark.parametrize(
    ("exporter", "fault"),
    [
        ("{endpoint: 'chdb:///tmp/none', cluster: prod}", "cluster is for servers"),
        ("{endpoint: 'http://127.0.0.1:1', cluster: 'a b'}", "exporters.clickhouse.cluster"),
        ("{endpoint: 'http://127.0.0.1:1', cluster: \"it's\"}", "exporters.clickhouse.cluster"),
    ],
)
def test_a_cluster_that_cannot_be_is_a_fault(tmp_path: Path, exporter: str, fault: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}\n"
        f"exporters: {{clickhouse: {exporter}}}\n"
        "service: {pipelines: {traces: {receivers: [otlp], exporters: [clickhouse]}}}\n"
    )
    result = CliRunner().invoke(app, ["validate", "--config", str(file)])
    assert result.exit_code == 2
    assert fault in result.output


@pytest.mark.timeout(600)
def test_a_cluster_of_shards_has_the_sessions_of_the_rule() -> None:
    """In a process of its own, whose embedded engine is the shards: see tests/clustered.py."""
    command = [sys.executable, "-m", "pytest", "--clickhouse", "cluster", "-q", "-x", "tests/integration/on_cluster.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
