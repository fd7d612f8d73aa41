"""Fixtures shared by all tests."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import settings

from otel_sessions.clickhouse.client import DEFAULT_DATABASE, Endpoint, connect
from otel_sessions.sessions import life, migrations
from otel_sessions.telemetry import LimitedLog
from tests import clustered
from tests.database import Database
from tests.engine import compile_nothing
from tests.integration.running import Directory, Running, config

gc.disable()  # until all is collected: looking for garbage in it took a fifth of that time

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

compile_nothing()


@pytest.fixture(autouse=True)
def _refusals_are_told_by_the_end() -> Iterator[None]:
    """A service tells at its end what it has counted of refusals. What a test leaves running would tell in another."""
    yield
    for thread in threading.enumerate():
        log = getattr(getattr(thread, "function", None), "__self__", None)  # of a timer
        if isinstance(log, LimitedLog):
            log.close()


@pytest.fixture(scope="session")
def chdb_path(tmp_path_factory: pytest.TempPathFactory, engine: str) -> Path:
    """The data directory of the embedded engine; it takes one directory a process, so all tests share it."""
    directory = tmp_path_factory.mktemp("chdb")
    if engine == "cluster":
        clustered.begin(directory, DEFAULT_DATABASE)
    return directory / "data"


@pytest.fixture(scope="session")
def chdb_endpoint(chdb_path: Path) -> Endpoint:
    return Endpoint.parse(f"chdb://{chdb_path}")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """Where `clickhouse_endpoint` is: `embedded` in this process, or `remote`, in another one behind HTTP; or a
    `cluster` of shards in this one.
    """
    chosen: str = getattr(request, "param", None) or request.config.getoption("--clickhouse")
    return chosen


@pytest.fixture(scope="session")
def remote_clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that is the ClickHouse of others: its SQL endpoint takes inserts."""
    directory = Directory(tmp_path_factory.mktemp("remote"))
    running = directory.start(config(directory.data(), read_only=False))
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def clickhouse_endpoint(engine: str, request: pytest.FixtureRequest) -> Endpoint:
    if engine != "remote":
        embedded: Endpoint = request.getfixturevalue("chdb_endpoint")
        return replace(embedded, cluster=clustered.NAME) if engine == "cluster" else embedded
    remote: Running = request.getfixturevalue("remote_clickhouse")
    return Endpoint.parse(f"http://{remote.endpoints['clickhouse_http']}/{DEFAULT_DATABASE}")


@pytest.fixture(scope="session")
def otel_client(clickhouse_endpoint: Endpoint) -> Iterator[Client]:
    """A client whose current database has the product's schema; tests share it, so each takes a project of its own."""
    client = connect(clickhouse_endpoint)
    migrations.apply(client, DEFAULT_DATABASE, clickhouse_endpoint.cluster)
    yield client
    left = client.query("SELECT * EXCEPT UpdatedAt FROM _session_life FINAL").result_rows
    client.close()
    assert all(row == (1800 * 10**9, {}, 0, {}) for row in left), f"limits were left behind, see `limits`: {left}"


@pytest.fixture(scope="module")
def database(clickhouse_endpoint: Endpoint) -> Iterator[Database]:
    database = Database(clickhouse_endpoint)
    yield database
    database.close()


@pytest.fixture
def own_client(database: Database) -> Iterator[Client]:
    """A client of a database that the module has to itself, in which there is nothing; for what deletes or works on
    all of one.
    """
    client = database.client()
    yield client
    client.close()


@pytest.fixture
def limits(otel_client: Client) -> Iterator[Callable[..., None]]:
    """Sets after how long sessions are idle and where they are split, for all tests that share the store: until the end
    of this one.
    """
    as_before: dict[str, Any] = {"idle_after": 1800, "idle_after_of": {}}
    yield lambda **limits: life.set_limits(otel_client, **{**as_before, **limits})
    life.set_limits(otel_client, **as_before)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--clickhouse", choices=["embedded", "remote", "cluster"], default="embedded")


FIRST = (
    "tests/extensions/web/browser/test_browser.py",
    "tests/sessions/rebuild/test_rebuild.py",
    "tests/integration/test_attribution.py",
    "tests/sessions/test_deletion.py",
    "tests/integration/test_soak.py",
    "tests/integration/test_views.py",
    "tests/demo/test_questions_over_mcp.py",
    "tests/clickhouse/test_cluster.py",
    "tests/integration/test_repetition.py",
    "tests/receivers/test_otlp_grpc.py",
    "tests/integration/",
    "tests/test_",
    "tests/extensions/test_",
    "tests/sessions/",
    "tests/cli/",
    "tests/inprocess/",
    "tests/exporters/",
    "tests/receivers/",
    "tests/extensions/",
    "tests/queries/",
    "tests/sqlguard/",
)
"""What takes long, the longest files first, so that the processes of `make test` end together."""


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A failure where two tests have one id: of such ones, processes that share the tests run a single one."""
    report = yield
    twice = [id_ for id_, times in Counter(each.nodeid for each in report.result).items() if times > 1]
    return pytest.CollectReport(report.nodeid, "failed", f"tests of one id: {twice}", []) if twice else report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    again = _remote_again(items)
    if again:
        config.hook.pytest_deselected(items=again)
        items[:] = [item for item in items if item not in again]
    items.sort(key=lambda item: next((n for n, start in enumerate(FIRST) if item.nodeid.startswith(start)), len(FIRST)))


def _remote_again(items: list[pytest.Item]) -> set[pytest.Item]:
    """Tests marked `remote_too(first_case=True)` behind HTTP, but for the first case of each: these differ in spans."""
    seen: set[str] = set()
    again = set()
    for item in items:
        mark = item.get_closest_marker("remote_too")
        if mark and mark.kwargs.get("first_case") and item.callspec.params.get("engine") == "remote":
            test = item.nodeid.partition("[")[0]
            if test in seen:
                again.add(item)
            seen.add(test)
    return again


def pytest_collection_finish() -> None:
    """What has been imported and collected stays: 1.8 million objects that no collection need look at again."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that are marked `remote_too` run against both."""
    if metafunc.definition.get_closest_marker("remote_too") and "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", ["embedded", "remote"], indirect=True, scope="session")
