"""The repository checks itself: what is promised in one place is there in the other."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import click
import pytest
from clickhouse_connect.driver.client import Client

import otel_sessions
from otel_sessions.cli.app import app
from otel_sessions.clickhouse import schema
from otel_sessions.extensions.web.api.routes import OPERATIONS
from otel_sessions.session_service.messages import DESCRIPTORS
from otel_sessions.telemetry import Metrics

ROOT = Path(__file__).parent.parent
PUBLIC = (
    "sessions",
    "session_traces",
    "session_timeline",
    "session_parts",
    "session_users",
    "session_spans",
    "session_scores",
    "session_bookmarks",
    "session_comments",
    "session_shares",
    "session_sampling",
    "otel_traces",
    "otel_traces_trace_id_ts",
)


@pytest.mark.parametrize("table", PUBLIC)
def test_every_column_that_users_read_is_in_the_docs(otel_client: Client, table: str) -> None:
    names = schema.actual(otel_client, table)
    documented = set(re.findall(r"`([A-Za-z.]+)`", (ROOT / "docs/sql.md").read_text()))
    assert names
    assert names.keys() - documented == set()


def test_every_table_is_in_the_docs(otel_client: Client) -> None:
    rows = otel_client.query("SHOW TABLES").result_rows
    # Other tests that share the database leave tables of broken inserts in it.
    tables = {name for (name,) in rows if not name.endswith("_mv") and not name.startswith("broken_off")}
    documented = set(re.findall(r"`([a-z_]+)`", (ROOT / "docs/sql.md").read_text()))
    assert tables - documented == set()


def leaves(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        below = group.get_command(context, name)
        yield from leaves(below, (*words, name)) if isinstance(below, click.Group) else [" ".join((*words, name))]


def test_every_command_is_in_the_docs() -> None:
    documented = set(re.findall(r"^\| `([a-z ]+?)(?: \[?[A-Z].*?)?`", (ROOT / "docs/cli.md").read_text(), re.MULTILINE))
    assert set(leaves(app)) - documented == set()


def test_every_symptom_leads_to_a_file_that_is_there() -> None:
    section = (ROOT / "docs/architecture.md").read_text().partition("## Where a symptom leads")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    named = re.findall(r"`([\w/]*/[\w/.]+|\w+\.py)`", "\n".join(row.rpartition(" | ")[2] for row in rows))
    assert len(named) > 30
    assert [path for path in named if not (ROOT / "otel_sessions" / path).exists()] == []


def test_every_route_is_in_the_docs() -> None:
    named = re.findall(r"`[^`\n]*/[^`\n]*`", (ROOT / "docs/rest.md").read_text())
    documented = {word for text in named for word in re.findall(r"[\w-]+", text)}
    routes = {re.sub(r"{\w+}", "", each.path) for each in OPERATIONS}
    assert {route for route in routes if not set(re.findall(r"[\w-]+", route)) <= documented} == set()


def test_every_page_is_in_the_menu_of_the_site() -> None:
    menu = set(re.findall(r"^ +- ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - menu == set(), "name it under `nav` in mkdocs.yml"


def test_every_metric_is_in_the_docs() -> None:
    documented = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))
    metrics = Metrics().registry.collect()
    names = {metric.name + ("_total" if metric.type == "counter" else "") for metric in metrics}
    assert names == documented


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    names = {re.split(r"[><=\[]", name)[0] for name in wanted} - {project["name"]}
    assert names - set(re.findall(r"`([\w-]+)`", (ROOT / "docs/dependencies.md").read_text())) == set()


def test_every_link_between_pages_leads_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "benchmarks/README.md", *(ROOT / "docs").glob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())]
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


def test_what_the_in_app_part_may_not_see_is_everything_but_names() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (forbidden,) = (each["forbidden_modules"] for each in contracts if each["name"].startswith("the in-app part sees"))
    modules = {path.stem for path in (ROOT / "otel_sessions").iterdir() if path.suffix == ".py" or path.is_dir()}
    seen = {"sdk", "semconv", "_version", "__init__", "__main__", "__pycache__", "proto"}
    assert {name.removeprefix("otel_sessions.") for name in forbidden} >= modules - seen


def calls_that_name_a_statement(path: Path) -> Iterator[Path]:
    """The `.sql` files that the module names where it runs or reads a statement."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        function = ast.unparse(node.func).rpartition(".")[2]
        place = {"composed": 0, "select": 1, "statement": 1}.get(function, len(node.args))
        name = node.args[place] if place < len(node.args) else None
        if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
            continue
        inside = ast.unparse(node.args[0]) if function == "statement" else ""
        if function != "statement" or "otel_sessions.queries" in inside:
            directory = ROOT / "otel_sessions/queries/sql"
        else:
            directory = path.parent / ("sql" if ".sql" in inside else ".")
        yield directory / f"{name.value}.sql"


def test_every_statement_that_is_named_has_its_file_and_every_file_is_named() -> None:
    modules = list((ROOT / "otel_sessions").rglob("*.py"))
    named = {file for path in modules for file in calls_that_name_a_statement(path)}
    assert len(named) > 60
    assert {str(file) for file in named if not file.exists()} == set()
    words = {
        node.value
        for path in modules
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    files = set((ROOT / "otel_sessions").rglob("*.sql"))
    parts = {part for file in files for part in re.findall(r"^\$\{[\w./]*?(\w+)\}$", file.read_text(), re.MULTILINE)}
    assert {str(f) for f in files if f.stem not in words | parts and f.parent.name != "migrations"} == set()


def test_modules_are_read_in_one_go_and_are_worth_opening() -> None:
    modules = [path for path in (ROOT / "otel_sessions").rglob("*.py") if not path.stem.endswith(("_pb2", "_pb2_grpc"))]
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules}
    assert [name for name, length in lines.items() if length > 400] == [], "no module has more than 400 lines"
    short = [name for name, length in lines.items() if length < 60]
    assert len(short) <= len(lines) / 4, f"a quarter of the modules has less than 60 lines: {short}"


def test_functions_are_read_at_a_glance() -> None:
    functions = [
        (f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for path in (ROOT / "otel_sessions").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not path.stem.endswith("_pb2")
    ]
    assert [name for name, length in functions if length > 60] == [], "no function has more than 60 lines"


def test_few_private_functions_have_one_caller() -> None:
    """Not counted: those that are handed over, decorated (a validator has none), or named as another of the module."""
    functions = helpers = 0
    for path in (ROOT / "otel_sessions").rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        named = Counter(getattr(node, "id", None) or getattr(node, "attr", None) for node in nodes)
        calls = (node.func for node in nodes if isinstance(node, ast.Call))
        called = {getattr(node, "id", None) or getattr(node, "attr", None) for node in calls}
        found = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        private = [node.name for node in found if re.match("_(?!_)", node.name) and not node.decorator_list]
        helpers += sum(private.count(name) == named[name] == 1 and name in called for name in private)
        functions += len(found)
    assert helpers <= 0.13 * functions, "put some back into their callers, where these stay readable"


def test_threads_of_components_are_run_by_what_tells_when_one_dies() -> None:
    package = ROOT / "otel_sessions"
    beside = {"sdk", "demo", "testing", "component.py"}  # the last has `Worker`
    beside.add("cli")  # a command has no components, and what its threads raise is told to whoever waits for them
    found = [path for path in package.rglob("*.py") if path.relative_to(package).parts[0] not in beside]
    assert [str(path) for path in found if re.search(r"\bThread\(", path.read_text())] == []


@pytest.mark.skipif(which(os.environ.get("CC", "cc")) is None, reason="there is no C compiler")
def test_where_there_is_a_compiler_the_install_has_built_the_decoder() -> None:
    assert Path(otel_sessions.__file__).with_name("pdata").joinpath("_wire.so").exists(), "run `make clean test`"


def test_the_install_has_compiled_the_definitions_of_the_grpc_service() -> None:
    assert DESCRIPTORS.exists(), "run `make clean test`, or `pip install -e .`"


def test_every_source_that_is_shipped_names_its_licence() -> None:
    kinds = {".py", ".c", ".js", ".css", ".proto"}
    shipped = [path for part in ("otel_sessions", "proto", "examples/plugin") for path in (ROOT / part).rglob("*")]
    sources = [path for path in shipped if path.suffix in kinds and path.stat().st_size]
    assert len(sources) > 300
    for path in sources:
        if not path.stem.endswith(("_pb2", "_pb2_grpc")):  # compiled at the install
            assert "SPDX-License-Identifier: Apache-2.0" in path.read_text().partition("\n")[0], path


def test_importing_the_in_app_package_stays_light() -> None:
    heavy = "{'grpc', 'pyarrow', 'clickhouse_connect', 'chdb'}"
    code = f"import sys, otel_sessions; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
