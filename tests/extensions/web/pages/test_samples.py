"""What `/connect` gives to copy: whole programs, of which this machine runs those that it can."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path

import grpc
import pytest
import yaml
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc

from otel_sessions.extensions import web
from otel_sessions.extensions.web.pages.service import SAMPLES, samples

PORTS = {name: f"{name}.example" for name in ("grpc", "http", "grpc_url", "http_url")}
SYNTAX = {"javascript": ("shop.mjs", ["node", "--check"]), "go": ("main.go", ["gofmt", "-e"])}


class _Inbox(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self) -> None:
        self.spans: list[dict[str, str]] = []

    def Export(self, request: otlp.ExportTraceServiceRequest, _: object) -> otlp.ExportTraceServiceResponse:
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans += [{one.key: one.value.string_value for one in span.attributes} for span in scope.spans]
        return otlp.ExportTraceServiceResponse()


@pytest.fixture
def inbox() -> Iterator[tuple[_Inbox, str]]:
    server, inbox = grpc.server(futures.ThreadPoolExecutor(2)), _Inbox()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(inbox, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield inbox, f"http://127.0.0.1:{port}"
    server.stop(None).wait()


def _code(id_: str, **ports: str) -> str:
    return next(one["code"] for one in samples({**PORTS, **ports}) if one["id"] == id_)


def test_the_python_sample_sends_a_span_of_its_session(inbox: tuple[_Inbox, str]) -> None:
    received, url = inbox
    program = [sys.executable, "-c", _code("python", grpc_url=url)]
    subprocess.run(program, check=True, timeout=60, capture_output=True)
    assert [(span["session.id"], span["user.id"]) for span in received.spans] == [("chat-42", "ada")]


@pytest.mark.parametrize("id_", SYNTAX)
def test_the_samples_of_other_languages_are_whole_files(id_: str, tmp_path: Path) -> None:
    name, command = SYNTAX[id_]
    program = shutil.which(command[0])
    if program is None:
        pytest.skip(f"there is no {command[0]} here")
    file = tmp_path / name
    file.write_text(_code(id_))
    subprocess.run([program, *command[1:], file], check=True, timeout=60, capture_output=True)


def test_the_collector_is_given_a_whole_configuration_of_parts_that_it_defines() -> None:
    config = yaml.safe_load(_code("collector", grpc="127.0.0.1:4317"))
    (pipeline,) = config["service"]["pipelines"].values()
    for kind in ("receivers", "processors", "exporters"):
        assert pipeline[kind]
        assert set(pipeline[kind]) == set(config[kind])
    assert config["exporters"]["otlp/sessions"]["endpoint"] == "127.0.0.1:4317"


def test_every_sample_names_this_service() -> None:
    for sample in samples(PORTS):
        assert any(port in sample["code"] + sample["note"] for port in PORTS.values()), sample["id"]
        assert "{grpc" not in sample["code"]
        assert "{http" not in sample["code"]
    assert len(list(Path(web.__file__).parent.joinpath("samples").iterdir())) == len(SAMPLES)
