"""The service in a process of its own, and what the operating system says of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CONFIG = """
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:0"}}, http: {{endpoint: "127.0.0.1:0"}}}}}}}}
processors: {{session: {{claim_wait: {claim_wait}}}}}
exporters: {{clickhouse: {{endpoint: "chdb://{data}", sending_queue: {{storage: {queue}}}}}}}
extensions: {{clickhouse_http: {{endpoint: "127.0.0.1:0", read_only: {read_only}}}, web: {{endpoint: "127.0.0.1:0"}}}}
service:
  extensions: [web, clickhouse_http]
  pipelines: {{traces: {{receivers: [otlp], processors: [session], exporters: [clickhouse]}}}}
  telemetry: {{metrics: {{endpoint: "127.0.0.1:0"}}}}
"""


@dataclass(frozen=True)
class Server:
    pid: int
    endpoints: dict[str, str]

    def cpu_s(self) -> float:
        """User and system seconds of the process so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mib(self) -> float:
        return sum(self.memory_mib())

    def memory_mib(self) -> tuple[float, float]:
        """What is resident: of its own (anonymous), and of files."""
        resident, files = map(int, Path(f"/proc/{self.pid}/statm").read_text().split()[1:3])
        mib = os.sysconf("SC_PAGE_SIZE") / 2**20
        return (resident - files) * mib, files * mib

    def _most_mib(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    @contextmanager
    def watched(self) -> Iterator[list[float]]:
        """The most MiB resident since this began, as the system has it, up to 0.2 s ago, as the only element of a
        list."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # begins VmHWM anew
        most, over = [self.rss_mib()], threading.Event()

        def look() -> None:
            while not over.wait(0.2):
                most[0] = self._most_mib()

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield most
        finally:
            over.set()
            thread.join()


@contextmanager
def serve(queue: str, *, read_only: bool = True, claim_wait: str = "20s", data: Path | None = None) -> Iterator[Server]:
    """The service on an embedded engine in a new directory, or in this one; stopped by SIGTERM, whose exit status must
    be 0.
    """
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory, "config.yaml")
        values = {"queue": queue, "read_only": str(read_only).lower(), "claim_wait": claim_wait}
        config.write_text(CONFIG.format(**values, data=data or Path(directory, "data")))
        command = [sys.executable, "-m", "otel_sessions", "serve", "--config", str(config)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        endpoints = {}
        for line in process.stdout:
            if line.strip() == "ready":
                break
            _, name, address = line.split()
            endpoints[name] = address
        try:
            yield Server(process.pid, endpoints)
        finally:
            process.terminate()
            status = process.wait(60)
    if status:
        raise RuntimeError(f"the service ended with status {status}")
