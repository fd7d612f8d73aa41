from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_sessions.component import ComponentId
from otel_sessions.config import Config, load
from otel_sessions.errors import ConfigError
from tests.config.plugins import ClickHouse, Grpc, Http, Listener, Otlp, Plugins

OTLP = ComponentId("otlp")
CLICKHOUSE = ComponentId("clickhouse")


def loaded(*sets: str, files: tuple[Path, ...] = (), **environ: str) -> Config:
    return load(files, sets, registry=Plugins(), environ=environ)


def grpc(config: Config) -> Grpc:
    receiver = config.receivers[OTLP]
    assert isinstance(receiver, Otlp)
    assert receiver.protocols.grpc is not None
    return receiver.protocols.grpc


def clickhouse(config: Config) -> ClickHouse:
    exporter = config.exporters[CLICKHOUSE]
    assert isinstance(exporter, ClickHouse)
    return exporter


def test_without_files_the_default_is_loaded() -> None:
    config = loaded()
    pipeline = config.service.pipelines[ComponentId("traces")]
    assert (pipeline.receivers, pipeline.exporters) == ((OTLP,), (CLICKHOUSE,))
    assert clickhouse(config).endpoint == "chdb://./otel-sessions-data"
    assert config.used("extensions") == (
        ComponentId("web"),
        ComponentId("clickhouse_http"),
        ComponentId("health_check"),
    )
    assert str(config.service.telemetry.metrics.endpoint) == "127.0.0.1:8888"
    assert config.service.shutdown_timeout == 30
    assert config.warnings == ()


@pytest.mark.parametrize(
    "path", ["receivers.otlp.protocols.grpc.endpoint", "receivers::otlp::protocols::grpc::endpoint"]
)
def test_set_changes_one_value(path: str) -> None:
    assert str(grpc(loaded(f"{path}='[::1]:0'")).endpoint) == "[::1]:0"


def test_set_takes_yaml_and_the_last_one_wins() -> None:
    config = loaded("exporters.clickhouse={timeout: 1s}", "service.extensions=[]", "exporters.clickhouse.timeout=2s")
    assert clickhouse(config).timeout == 2
    assert config.service.extensions == ()
    assert clickhouse(config).endpoint.startswith("chdb")


def test_a_file_replaces_the_default_and_files_merge(tmp_path: Path) -> None:
    base, over = tmp_path / "base.yaml", tmp_path / "over.yaml"
    base.write_text(
        "receivers: {otlp: {protocols: {grpc: {max_recv_msg_size_mib: 9}}}}\n"
        "exporters: {debug: , clickhouse: {endpoint: 'http://h'}}\n"
        "service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}\n",
        encoding="utf-8-sig",
    )
    over.write_text(
        "receivers: {otlp: {protocols: {grpc: {endpoint: 'h:1'}}}}\n"
        "service: {pipelines: {traces: {exporters: [clickhouse]}}}\n",
        encoding="utf-8",
    )
    config = loaded(files=(base, over))
    assert (grpc(config).max_recv_msg_size_mib, str(grpc(config).endpoint)) == (9, "h:1")
    assert config.used("exporters") == (CLICKHOUSE,)
    assert not config.extensions
    assert config.warnings == ("exporters.debug: configured, but no part of the service uses it",)


def test_nothing_means_the_default() -> None:
    config = loaded("receivers.otlp.protocols.http=", "exporters.clickhouse.timeout=", "extensions.health_check=")
    receiver = config.receivers[OTLP]
    assert isinstance(receiver, Otlp)
    assert receiver.protocols.http == Http()
    assert clickhouse(config).timeout == 5
    assert config.extensions[ComponentId("health_check")] == Listener()


def test_a_default_address_is_as_taken_as_a_written_one() -> None:
    with pytest.raises(ConfigError, match=r"protocols\.http\.endpoint: 127\.0\.0\.1:4318 is taken by"):
        loaded("receivers.otlp.protocols.http=", "receivers.otlp.protocols.grpc.endpoint=127.0.0.1:4318")


def test_a_variable_keeps_its_letters_where_text_is_wanted() -> None:
    for text in ("0123", "1e3", "true", "null", "a: b", "[x", " spaced ", "12:30", "#x", "'quoted'"):
        assert clickhouse(loaded("exporters.clickhouse.password=${env:PW}", PW=text)).password == text


def test_a_variable_takes_the_type_that_is_wanted() -> None:
    config = loaded(
        "exporters.clickhouse={timeout: '${env:T}', compress: '${env:C}', sending_queue: '${env:Q}'}",
        "exporters.clickhouse.endpoint=http://${env:HOST:-localhost}:${PORT}",
        T="7",
        C="false",
        Q="{storage: wal}",
        PORT="0815",
    )
    exporter = clickhouse(config)
    assert (exporter.timeout, exporter.compress, exporter.sending_queue.storage) == (7, False, "wal")
    assert exporter.endpoint == "http://localhost:0815"


def test_an_unset_variable_is_empty_text_and_warned_of_not_the_default() -> None:
    assert loaded("exporters.clickhouse.password=${env:PW}").warnings == (
        "exporters.clickhouse.password: the environment variable PW is not set",
    )
    with pytest.raises(ConfigError, match="timeout: write a duration"):
        loaded("exporters.clickhouse.timeout=${env:T}")


@pytest.mark.parametrize(("text", "value"), [("on", True), ("no", False), ("TRUE", True)])
def test_yaml_1_1_words_are_true_or_false_where_that_is_wanted_and_text_elsewhere(text: str, value: bool) -> None:
    config = loaded(f"exporters.clickhouse={{compress: {text}, password: 'x'}}", "exporters.clickhouse.password=no")
    assert clickhouse(config).compress is value
    assert clickhouse(config).password == "no"


@pytest.mark.parametrize(("text", "level"), [("warn", "WARNING"), ("DEBUG", "DEBUG"), ("error", "ERROR")])
def test_log_levels_are_the_collectors(text: str, level: str) -> None:
    assert loaded(f"service.telemetry.logs.level={text}").service.telemetry.logs.level == level


def test_port_0_and_metrics_that_are_off_are_no_conflict() -> None:
    loaded("receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0", "extensions.health_check.endpoint=127.0.0.1:0")
    loaded("receivers.otlp.protocols.grpc.endpoint=127.0.0.1:8888", "service.telemetry.metrics.level=none")


def test_a_configuration_does_not_show_its_secrets() -> None:
    assert "hunter2" not in repr(loaded("exporters.clickhouse.password=hunter2"))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["${env:A}", "$$", "otlp"]),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["otlp", "traces", "clickhouse"]), inner)
    ),
    max_leaves=20,
)
trees = st.dictionaries(st.sampled_from(["receivers", "processors", "exporters", "extensions", "service", "x"]), values)


@given(st.text() | st.binary())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_content_of_a_file_raises_anything_but_faults(tmp_path: Path, content: str | bytes) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigError):
        loaded(files=(file,))


@given(
    st.text(), st.text(), st.sampled_from(["receivers", "exporters.clickhouse", "service", "service.pipelines.traces"])
)
def test_no_option_raises_anything_but_faults(text: str, variable: str, path: str) -> None:
    for option in (text, f"{path}={text}", f"{path}=${{env:A}}"):
        try:
            loaded(option, A=variable)
        except ConfigError as error:
            assert error.faults  # noqa: PT017


@given(trees)
def test_no_tree_raises_anything_but_faults(tree: dict[str, Any]) -> None:
    import json

    for text in (json.dumps({key: value}) for key, value in tree.items()):
        key = next(iter(json.loads(text)))
        try:
            loaded(f"{key}={json.dumps(tree[key])}", A="{otlp: }")
        except ConfigError as error:
            assert error.faults  # noqa: PT017
