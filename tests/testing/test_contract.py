"""The checks for component authors, which every built-in component passes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import GROUPS, ComponentId, Host, Kind
from otel_sessions.config.plugins import EntryPoints
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.consumers import RecordingConsumer
from otel_sessions.testing.contract import check_life

REGISTRY = EntryPoints()
# evaluation wants a plugin, see tests/extensions/test_evaluation.py
BUILT_IN = [(kind, type_) for kind in GROUPS for type_ in REGISTRY.types(kind) if type_ != "evaluation"]


def settings(type_: str, directory: Path) -> Mapping[str, Any]:
    """The least that a configuration of this type needs, everything on ports that are free."""
    any_port = {"endpoint": "127.0.0.1:0"}
    users = directory.parent / "users"
    users.write_text("ada:secret\n")
    return {
        "otlp": {"protocols": {"grpc": any_port, "http": any_port}},
        "exporters otlp": {"endpoint": "127.0.0.1:9", "tls": {"insecure": True}},
        "otlp_grpc": {"endpoint": "127.0.0.1:9", "tls": {"insecure": True}},
        "otlphttp": {"endpoint": "http://127.0.0.1:9"},
        "otlp_http": {"endpoint": "http://127.0.0.1:9"},
        "clickhouse": {"endpoint": "http://127.0.0.1:9", "sending_queue": {"directory": str(directory)}},
        "memory_limiter": {"limit_mib": 4000},
        "basicauth": {"htpasswd": {"inline": "ada:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="}},
        "bearertokenauth": {"token": "a secret that is long enough"},
        "health_check": any_port,
        "clickhouse_http": any_port,
        "web": any_port,
        "sampling": {"rules": [{"keep": 0.5}]},
        "webhook": {"url": "http://127.0.0.1:9", "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="},
    }.get(type_, {})


@pytest.mark.parametrize(("kind", "type_"), BUILT_IN, ids=[f"{kind}-{type_}" for kind, type_ in BUILT_IN])
def test_every_built_in_component_keeps_to_its_life(kind: Kind, type_: str, tmp_path: Path, chdb_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    key = f"{kind} {type_}" if (kind, type_) == ("exporters", "otlp") else type_
    factory = REGISTRY.factory(kind, type_, type_)
    config = factory.config.model_validate(settings(key, directory))
    host = Host(Metrics(), Endpoint("chdb", path=chdb_path))
    more = [RecordingConsumer()] if kind == "receivers" else []
    check_life(lambda: factory.create(ComponentId(type_), config, host, *more), directory)


class Eager:
    """Breaks the contract in one way."""

    def __init__(self, way: str, directory: Path, free: threading.Event) -> None:
        self._way, self._free = way, free
        if way == "a thread in its constructor":
            self._start_thread()
        if way == "a file in its constructor":
            (directory / "early").touch()

    def start(self) -> None:
        if self._way == "a thread that stays":
            self._start_thread()

    def shutdown(self, timeout: float) -> None: ...

    def _start_thread(self) -> None:
        threading.Thread(target=self._free.wait, name="eager", daemon=True).start()


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        ("a thread in its constructor", "its constructor starts the threads eager"),
        ("a file in its constructor", "its constructor writes .*early"),
        ("a thread that stays", "still the threads eager"),
    ],
)
def test_what_breaks_the_contract_is_named(
    way: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otel_sessions.testing.contract.ENDED_S", 0.2)
    free = threading.Event()
    try:
        with pytest.raises(AssertionError, match=sentence):
            check_life(lambda: Eager(way, tmp_path, free), tmp_path)
    finally:
        free.set()


def test_a_processor_needs_no_life(tmp_path: Path) -> None:
    class Plain:
        process: Callable[[Any], Any] = staticmethod(lambda batch: batch)

    check_life(Plain, tmp_path)
    with pytest.raises(AssertionError, match="no start and shutdown"):
        check_life(object, tmp_path)
