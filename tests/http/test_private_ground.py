"""What we use of uvicorn, grpcio and clickhouse-connect that they promise to nobody.

pyproject.toml keeps their versions below the next one that nobody has run these tests with. Where one of them fails
there, the place to change is named by its message.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import grpc
import pytest
from clickhouse_connect.driver._backend import chdb_backend
from grpc import _server
from grpc._cython import cygrpc  # type: ignore[attr-defined] # compiled
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from otel_sessions.http.protocol import BoundedProtocol
from otel_sessions.receivers.otlp.grpc import PooledBehavior

CLICKHOUSE = "otel_sessions/clickhouse/client.py says where these files are"
PROTOCOL = "otel_sessions/http/protocol.py"
GRPC = "otel_sessions/receivers/otlp/grpc.py"
GRPC_EXPORT = "otel_sessions/receivers/otlp/grpc_export.py"


@pytest.mark.parametrize("package", ["uvicorn", "grpcio"])
def test_the_version_has_an_upper_bound_just_above_the_tested_one(package: str) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    (pin,) = [each for each in project["optional-dependencies"]["server"] if re.match(rf"{package}\b[>=]", each)]
    major, minor = map(int, version(package).split(".")[:2])
    assert pin.endswith(f",<{major}.{minor + 1}"), "raise it with the version that these tests have passed with"


@pytest.mark.parametrize(
    "method", ["connection_made", "connection_lost", "data_received", "pause_writing", "resume_writing"]
)
def test_uvicorns_protocol_has_the_methods_that_ours_extends(method: str) -> None:
    assert method in vars(H11Protocol) or hasattr(asyncio.Protocol, method), f"{PROTOCOL} extends {method}"
    assert method in vars(BoundedProtocol)


def test_uvicorn_asks_its_protocol_whether_to_upgrade() -> None:
    assert "self._should_upgrade()" in inspect.getsource(H11Protocol.handle_events), f"{PROTOCOL} says never"


@pytest.mark.parametrize("attribute", ["app", "cycle", "transport", "loop", "client", "server", "connections"])
def test_uvicorns_protocol_has_the_attributes_that_ours_reads(attribute: str) -> None:
    source = inspect.getsource(H11Protocol)
    assert f"self.{attribute}" in source, f"{PROTOCOL} reads {attribute}"


def test_uvicorn_calls_the_application_that_the_connection_has_and_says_when_its_answer_is_complete() -> None:
    assert "app = self.app" in inspect.getsource(H11Protocol.handle_events), f"{PROTOCOL} puts its own there"
    assert "self.response_complete" in inspect.getsource(RequestResponseCycle), f"{PROTOCOL}, _at_work"


def test_grpcio_runs_a_behaviour_in_the_pool_that_it_names() -> None:
    """Else 8 calls in line would keep every health check waiting."""
    names: list[str] = []

    def behavior(requests: object, context: grpc.ServicerContext) -> bytes:
        names.append(threading.current_thread().name)
        return b""

    with ThreadPoolExecutor(1, "general") as general, ThreadPoolExecutor(1, "own") as own:
        handler = grpc.stream_unary_rpc_method_handler(PooledBehavior(behavior, own))
        server = grpc.server(general, handlers=[grpc.method_handlers_generic_handler("a", {"B": handler})])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            channel.unary_unary("/a/B")(b"", timeout=60)
        server.stop(None).wait()
    assert [name.partition("_")[0] for name in names] == ["own"], f"{GRPC}, PooledBehavior"


def test_grpcio_lets_a_watcher_of_health_go_without_a_thread() -> None:
    """Else 8 who watch would keep every health check waiting."""
    sent = threading.Event()

    class Behavior:
        experimental_non_blocking = True

        def __call__(self, requests: object, context: grpc.ServicerContext, send_response_callback: object) -> None:
            sent.set()

    with ThreadPoolExecutor(1) as pool:
        handler = grpc.stream_stream_rpc_method_handler(Behavior())
        server = grpc.server(pool, handlers=[grpc.method_handlers_generic_handler("a", {"B": handler})])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.unary_stream("/a/B")(b"", timeout=60)
            assert sent.wait(60), f"{GRPC}, _Watch"
            assert pool.submit(lambda: True).result(60), "its thread is free"
            call.cancel()
        server.stop(None).wait()


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (_server._Context, ["rpc_event", "state", "request_deserializer"]),
        (_server._request_call, ["state"]),
        (_server._process_event_and_continue, ["state", "event"]),
    ],
)
def test_grpcio_has_the_functions_that_exports_are_taken_with(function: object, parameters: list[str]) -> None:
    assert callable(function)
    assert list(inspect.signature(function).parameters) == parameters, f"{GRPC_EXPORT} calls it"


def test_grpcio_starts_and_serves_as_our_loop_does() -> None:
    """A server counts what is due and which calls are open, and ends when there is none."""
    starting, serving = inspect.getsource(_server._start), inspect.getsource(_server._serve)
    for step in ("state.server.start()", "state.stage = _ServerStage.STARTED", "_request_call(state)"):
        assert step in starting, f"{GRPC_EXPORT}, Events.start"
    assert "state.completion_queue.poll(timeout)" in serving, f"{GRPC_EXPORT}, Events._run"
    handling = inspect.getsource(_server._process_event_and_continue)
    for step in (
        "state.due.remove(event.tag)",
        "state.rpc_states.add(rpc_state)",
        "state.rpc_states.remove(rpc_state)",
    ):
        assert step in handling, f"{GRPC_EXPORT}, Events._begin"
    assert "rpc_state, callbacks = event.tag(event)" in handling, f"{GRPC_EXPORT} gives it functions as tags"
    assert "rpc_event.call_details.method" in inspect.getsource(_server._handle_call), f"{GRPC_EXPORT} reads it"


def test_grpcios_core_has_the_operations_of_an_export() -> None:
    for operation in (
        cygrpc.ReceiveCloseOnServerOperation(0),
        cygrpc.ReceiveMessageOperation(0),
        cygrpc.SendInitialMetadataOperation(None, 0),
        cygrpc.SendMessageOperation(b"", 0),
        cygrpc.SendStatusFromServerOperation(None, cygrpc.StatusCode.ok, b"", 0),
    ):
        assert isinstance(operation, cygrpc.Operation), f"{GRPC_EXPORT} gives it to the core"


def test_clickhouse_connect_hands_inserts_to_the_embedded_engine_in_files_that_its_tempfile_makes() -> None:
    source = inspect.getsource(chdb_backend)
    made = set(re.findall(r"\btempfile\.(\w+)\(suffix=", source))
    assert made == set(re.findall(r"\btempfile\.(\w+)", source)) == {"NamedTemporaryFile"}, CLICKHOUSE
