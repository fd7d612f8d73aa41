"""Child processes of `multiprocessing`, however they are started and ended: what they record arrives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.running import ANSWER_S, Running, wait_until

APPLICATION = """
import concurrent.futures, multiprocessing, sys, time
from otel_sessions import configure, get_client, observe, session

@observe
def work(number):
    return number

def child(id_, number):
    with session(id_):
        work(number)

def daemon(id_, done):
    child(id_, 0)
    done.set()
    time.sleep(60)  # longer than its parent lives

def main(method, id_):
    configure("parent")
    with session(f"{id_} parent"):
        work(0)
    get_client().flush()  # a connection is open now
    context = multiprocessing.get_context(method)
    processes = [context.Process(target=child, args=(f"{id_} process", number)) for number in range(3)]
    for process in processes:
        process.start()
    done = context.Event()
    context.Process(target=daemon, args=(f"{id_} daemon", done), daemon=True).start()
    with context.Pool(2) as pool:  # which terminates its workers
        pool.starmap(child, [(f"{id_} pool", number) for number in range(3)], chunksize=1)
    closed = context.Pool(2)
    closed.starmap(child, [(f"{id_} closed pool", number) for number in range(3)], chunksize=1)
    closed.close()
    closed.join()
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        list(executor.map(child, [f"{id_} executor"] * 3, range(3)))
    for process in processes:
        process.join()
    done.wait(30)

if __name__ == "__main__":
    main(*sys.argv[1:])
"""
ALL = {"parent": 1, "process": 3, "daemon": 1, "pool": 3, "closed pool": 3, "executor": 3}
RETRIED = "Transient error StatusCode.UNAVAILABLE"  # gRPC was sending at a fork; the exporter sends again
COUNT = "SELECT SessionId, SpanCount FROM sessions WHERE startsWith(SessionId, {id:String})"


def run(application: str, method: str, id_: str, environment: dict[str, str], directory: Path) -> str:
    file = directory / "application.py"
    file.write_text(application)
    command = [sys.executable, file, method, id_]
    environment = {**os.environ, **environment}
    ended = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=100)
    assert ended.returncode == 0, ended.stderr
    return "".join(line for line in ended.stderr.splitlines(keepends=True) if not line.startswith(RETRIED))


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_what_children_record_arrives(method: str, protocol: str, listening: Running, tmp_path: Path) -> None:
    endpoint = listening.endpoints["otlp/grpc" if protocol == "grpc" else "otlp/http"]
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{endpoint}", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
    id_ = f"{method} {protocol}"
    assert run(APPLICATION, method, id_, environment, tmp_path) == ""
    arrived = {f"{id_} {kind}": count for kind, count in ALL.items()}
    wait_until(lambda: dict(listening.sql(COUNT, id=id_)), ANSWER_S, lambda found: found == arrived)
