"""What is refused before a service touches a database, with the installed components."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from otel_sessions.component import ComponentId
from otel_sessions.config import Config, load
from otel_sessions.errors import ConfigError
from otel_sessions.service import Service

REMOTE = "exporters.clickhouse.endpoint=http://clickhouse.example:8123"


def faults(*sets: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load((), sets, environ=environ or {}, to_serve=True)
    return list(map(str, caught.value.faults))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def extensions(config: Config) -> set[str]:
    return set(map(str, config.used("extensions")))


def test_the_default_with_a_server_leaves_the_sql_port_out() -> None:
    config = load((), [REMOTE], environ={}, to_serve=True)
    assert extensions(config) == extensions(load()) - {"clickhouse_http"}
    assert config.warnings == ()


def test_the_endpoint_of_a_server_may_come_from_the_environment() -> None:
    config = load((), ["exporters.clickhouse.endpoint=${env:DB}"], environ={"DB": "https://me:pw@db"}, to_serve=True)
    assert "clickhouse_http" not in extensions(config)


@pytest.mark.parametrize(
    "named",
    ["extensions.clickhouse_http.endpoint=127.0.0.1:0", "service.extensions=[clickhouse_http]"],
)
def test_a_sql_port_that_is_named_beside_a_server_is_a_fault(named: str) -> None:
    assert faults(REMOTE, named) == [
        "extensions.clickhouse_http: serves embedded data only; http://clickhouse.example:8123/otel has an HTTP port "
        "of its own: leave this out"
    ]


def test_what_components_have_against_each_other_is_told_with_the_faults_of_keys() -> None:
    found = faults(REMOTE, "extensions.clickhouse_http.endpoint=127.0.0.1:0", "zzz=1", "processors.unused.x=1")
    assert [fault.partition(":")[0] for fault in found] == ["zzz", "processors.unused", "extensions.clickhouse_http"]


def test_components_with_faults_of_their_own_are_held_against_nothing() -> None:
    found = faults("exporters.clickhouse.endpoint=ftp://nowhere")
    assert [fault.partition(":")[0] for fault in found] == ["exporters.clickhouse.endpoint"]


def test_a_sql_port_without_a_clickhouse_exporter_is_a_fault() -> None:
    found = faults("exporters.debug={}", "service.pipelines.traces.exporters=[debug]")
    assert found == ["extensions.clickhouse_http: serves the data of a clickhouse exporter, and none is in use"]


def test_a_data_directory_that_is_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in ("file", "file/below"):
        (found,) = faults(f"exporters.clickhouse.endpoint=chdb://./{path}")
        assert found.startswith(f"exporters.clickhouse.endpoint: {tmp_path}/file is not a directory")


def test_a_log_directory_that_is_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (found,) = faults("exporters.clickhouse.sending_queue.directory=file")
    assert found.startswith(f"exporters.clickhouse.sending_queue.directory: {tmp_path}/file is not a directory")


def test_two_directories_of_embedded_data_are_a_fault() -> None:
    found = faults(
        "exporters.clickhouse/b.endpoint=chdb://./b", "service.pipelines.traces.exporters=[clickhouse,clickhouse/b]"
    )
    assert len(found) == 1
    assert found[0].startswith("exporters.clickhouse/b.endpoint: a process has one directory of embedded data")


def test_a_file_of_tokens_without_any_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("\n")
    found = faults("extensions.bearertokenauth.filename=tokens", "service.extensions=[bearertokenauth]")
    assert len(found) == 1
    assert found[0].startswith("extensions.bearertokenauth.filename: ")


def test_a_fault_of_a_value_whose_variable_is_not_set_says_so() -> None:
    (found,) = faults("exporters.clickhouse.endpoint=${env:DB}")
    assert found.startswith("exporters.clickhouse.endpoint: write chdb://DIRECTORY")
    assert found.endswith("(the environment variable DB is not set)")


def test_suggestions_work_in_both_directions() -> None:
    assert "extensions.helth_check: unknown extension type 'helth_check'; did you mean 'health_check'?" in faults(
        "extensions.helth_check={}"
    )
    assert faults("service.extensions=[helth_check]") == [
        "service.extensions[0]: 'helth_check' is not configured under `extensions`; did you mean 'health_check'?"
    ]
    assert faults("exporters.clickhouse.endpont=x") == [
        "exporters.clickhouse.endpont: is not a known key; did you mean 'endpoint'?"
    ]


@pytest.mark.parametrize(("old", "new"), [("otlp", "otlp_grpc"), ("otlphttp", "otlp_http")])
def test_the_older_names_of_exporters_work_and_warn(old: str, new: str) -> None:
    used = "service.pipelines.traces.exporters=[clickhouse,{}]".format
    endpoint = "http://otlp.example:4317"
    older = load((), [f"exporters.{old}.endpoint={endpoint}", used(old)], environ={}, to_serve=True)
    newer = load((), [f"exporters.{new}.endpoint={endpoint}", used(new)], environ={}, to_serve=True)
    assert older.exporters[ComponentId(old)] == newer.exporters[ComponentId(new)]
    assert newer.warnings == ()
    (warning,) = older.warnings
    assert warning.startswith(f"exporters.{old}: this type is called '{new}' now")


def test_a_port_that_is_taken_is_named_by_its_setting_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sets = [
            f"receivers.otlp.protocols={{http: {{endpoint: '127.0.0.1:{port}'}}, grpc: {{endpoint: '127.0.0.1:0'}}}}",
            "service.extensions=[]",
            "service.telemetry.metrics.endpoint=127.0.0.1:0",
        ]
        with pytest.raises(ConfigError) as caught:
            Service(load((), sets, environ={}, to_serve=True)).start()
    (fault,) = caught.value.faults
    assert fault.path == "receivers.otlp.protocols.http.endpoint"
    assert f"127.0.0.1:{port} is in use" in fault.message
    assert list(tmp_path.iterdir()) == []
