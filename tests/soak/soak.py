"""Rounds of load and kills, and a check now and then."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.integration.running import Directory, command, wait_until
from tests.soak.scenes import SCENES, Scene
from tests.soak.senders import Senders
from tests.soak.truth import differences
from tests.soak.workload import Workload

DRAINED_S: Final = 240.0
ATTRIBUTED_S: Final = 240.0
SHOWN: Final = 20


@dataclass
class Soak:
    """`scene` by its name; `tell` is given a line for each round and each check; `clients` send at once.

    Engines compile expressions, as those of users do, unless told not to.
    """

    path: Path
    scene: str
    seed: int
    tell: Callable[[str], None] = print
    clients: int = 5
    compiles: bool = True

    def run(self, rounds: int, check_every: int) -> None:
        """AssertionError with the first differences, if there are any, in the end or after `check_every` rounds."""
        directory = Directory(self.path, compiles=self.compiles)
        scene: Scene = SCENES[self.scene](directory, random.Random(f"{self.seed}-{self.scene}"))
        self._workload = Workload(self.seed)
        try:
            scene.start()
            for first in range(1, rounds + 1, check_every):
                self._rounds(scene, range(first, min(first + check_every, rounds + 1)))
                self._check(scene)
            scene.stop()
        except AssertionError:
            scene.service.dump()
            scene.sql.dump()
            raise
        finally:
            directory.close()

    def _rounds(self, scene: Scene, numbers: Sequence[int]) -> None:
        senders = Senders(self._workload, scene.target, f"{self.seed}-{numbers[0]}", self.clients)
        with senders.running():
            for number in numbers:
                told = scene.round()
                self.tell(
                    f"{self.scene} {number}: {told}; {senders.requests} requests, {senders.retries} retries,"
                    f" {len(self._workload.sent)} spans sent, {len(self._workload.acked)} taken"
                )
            time.sleep(0.5)
        assert not senders.errors, senders.errors[:3]

    def _check(self, scene: Scene) -> None:
        begin = time.monotonic()
        wait_until(lambda: scene.service.metric("otelcol_exporter_queue_size"), DRAINED_S, lambda size: size == 0)
        drained = time.monotonic()
        while found := differences(scene.sql.sql, self._workload.sent, self._workload.acked):
            told = "\n".join(found[:SHOWN])
            assert time.monotonic() - drained < ATTRIBUTED_S, f"seed {self.seed}: {len(found)} differences\n{told}"
            time.sleep(0.5)
        [[rows, spans]] = scene.sql.sql("SELECT count(), uniqExact(TraceId, SpanId) FROM otel_traces")
        self.tell(
            f"{self.scene}: all is as it should be, drained after {drained - begin:.0f} s, right after"
            f" {time.monotonic() - drained:.0f} s more; {rows} rows of {spans} spans; {verified(scene)}"
        )


def verified(scene: Scene) -> str:
    """What `otel-sessions verify` says, which must be happy too."""
    config = str(scene.sql.log.with_suffix(".yaml"))
    ended = command("verify", "--config", config, cwd=scene.sql.log.parent, timeout=ATTRIBUTED_S)
    if "No such command" in ended.stderr:
        return "verify is not there"
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout.strip().splitlines()[-1]
