"""Who is killed, and when: a service on embedded data, or one with a ClickHouse that is a process of its own."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from otel_sessions.component import Request
from otel_sessions.exporterhelper.wal.frames import frame
from tests.integration.running import ANY, Directory, Running, config, free_port

ATTRIBUTION = {"interval": "300ms"}
CLAIM_WAITS = ("0s", "1s", "3s")
"""Of the spans without a claim some are then stored at once, some let go after a while, some killed before. With the
default, 20 s, none would be let go within a round, and every check would wait for them."""


class Scene(Protocol):
    """Processes of which some are killed in every round. `sql` answers queries, `service` has the log."""

    service: Running
    sql: Running
    target: str

    def start(self) -> None: ...

    def round(self) -> str:
        """Kills, and starts again; returns what happened, in words."""
        ...

    def stop(self) -> None:
        """SIGTERM; all must end with 0."""
        ...


class Killed:
    """One service that comes back under the same address, with another size of segments."""

    def __init__(self, directory: Directory, rnd: random.Random, log: Path | None, **settings: Any) -> None:
        self._directory = directory
        self._random = rnd
        self._log = log
        self._settings = settings

    def start(self) -> None:
        self.running = self._directory.start(self._config())

    def start_and_kill(self) -> str:
        """Somewhere between the first line of Python and some time after `ready`."""
        running = self._directory.launch(self._config())
        seconds = self._random.random() * 3.0
        time.sleep(seconds)
        running.kill()
        return f"start, killed after {seconds:.1f} s"

    def kill(self) -> None:
        self.running.kill()
        if self._random.random() < 0.3:
            self._tear()

    def terminate_and_kill(self) -> None:
        self.running.terminate()
        time.sleep(self._random.random() * 0.3)
        self.kill()

    def _config(self) -> str:
        batch = {
            "flush_timeout": self._random.choice(["0s", "200ms", "2s"]),
            "max_size": self._random.choice([50, 500, 65536]),
        }
        return config(
            metrics=ANY,
            claim_wait=self._random.choice(CLAIM_WAITS),
            sending_queue={"storage": "wal", "batch": batch},
            attribution=ATTRIBUTION,
            **self._settings,
        )

    def _tear(self) -> None:
        """The write that was under way has come to the disk in part, as when the power fails."""
        segments = sorted(self._log.rglob("*.wal")) if self._log else []
        if segments:
            data = frame(Request(self._random.randbytes(300)))
            with segments[-1].open("ab") as file:
                file.write(data[: self._random.randrange(1, len(data))])


class Embedded:
    """The default: one process."""

    def __init__(self, directory: Directory, rnd: random.Random) -> None:
        self._random = rnd
        self.target = f"127.0.0.1:{free_port()}"
        log = directory.path / "data-wal"
        self._killed = Killed(directory, rnd, log, endpoint=directory.data(), grpc=self.target)

    @property
    def service(self) -> Running:
        return self._killed.running

    sql = service

    def start(self) -> None:
        self._killed.start()

    def round(self) -> str:
        told = [_wait(self._random)]
        if self._random.random() < 0.2:
            told.append("SIGTERM, and then")
            self._killed.terminate_and_kill()
        else:
            self._killed.kill()
        told.append("killed")
        while self._random.random() < 0.3:
            told.append(self._killed.start_and_kill())
        self._killed.start()
        return ", ".join(told)

    def stop(self) -> None:
        assert self.service.stop() == 0


class Remote:
    """A service with the log, and one that is its ClickHouse. Either is killed, or both."""

    def __init__(self, directory: Directory, rnd: random.Random) -> None:
        self._random = rnd
        self.target = f"127.0.0.1:{free_port()}"
        address = f"127.0.0.1:{free_port()}"
        log = directory.path / "otel-sessions-wal"
        self._service = Killed(directory, rnd, log, endpoint=f"http://{address}/otel", grpc=self.target, sql=None)
        self._clickhouse = Killed(directory, rnd, None, endpoint=directory.data(), sql=address, read_only=False)

    @property
    def service(self) -> Running:
        return self._service.running

    @property
    def sql(self) -> Running:
        return self._clickhouse.running

    def start(self) -> None:
        self._clickhouse.start()
        self._service.start()

    def round(self) -> str:
        told = [_wait(self._random)]
        names = self._random.choice([["service"], ["ClickHouse"], ["ClickHouse"], ["ClickHouse", "service"]])
        killed = [{"service": self._service, "ClickHouse": self._clickhouse}[name] for name in names]
        for each in killed:
            each.kill()
        told.append(f"killed {' and '.join(names)}")
        if self._random.random() < 0.5:
            told.append(_wait(self._random))
        self._random.shuffle(killed)
        for each in killed:
            if self._random.random() < 0.2:
                told.append(each.start_and_kill())
            each.start()
        return ", ".join(told)

    def stop(self) -> None:
        assert self.service.stop() == 0
        assert self.sql.stop() == 0


def _wait(rnd: random.Random) -> str:
    """Mostly short: what is under way at a start is worth more kills than what comes later."""
    seconds = rnd.random() ** 2 * 3.0
    time.sleep(seconds)
    return f"{seconds:.1f} s"


SCENES: Mapping[str, type[Embedded | Remote]] = {"embedded": Embedded, "remote": Remote}
