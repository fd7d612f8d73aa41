"""The processor `memory_limiter`: what it refuses, when it measures, what its configuration means."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from otel_sessions.component import ComponentId, Host, Request
from otel_sessions.errors import Retryable
from otel_sessions.footprint import resident
from otel_sessions.pipeline import Pipeline
from otel_sessions.processors.memory_limiter import MemoryLimiter, MemoryLimiterConfig, total_bytes
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.otlp import request, span

MIB = 2**20


class Machine:
    """A clock, and a memory that is as full as a test says."""

    now = 0.0
    used = 0
    asked = 0

    def clock(self) -> float:
        return self.now

    def usage(self) -> int:
        self.asked += 1
        return self.used * MIB


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def host() -> Host:
    return Host(Metrics())


@pytest.fixture
def limiter(machine: Machine, host: Host) -> MemoryLimiter:
    config = MemoryLimiterConfig(check_interval="1s", limit_mib=1000, spike_limit_mib=300)
    return MemoryLimiter(ComponentId("memory_limiter"), config, host, used=machine.usage, clock=machine.clock)


def test_above_the_soft_limit_requests_are_told_to_come_back(
    limiter: MemoryLimiter, machine: Machine, host: Host
) -> None:
    machine.used = 700
    limiter.admit()
    machine.used, machine.now = 701, 1.0
    with pytest.raises(Retryable, match="701 MiB of 700 MiB") as raised:
        limiter.admit()
    assert raised.value.retry_after == 1.0
    assert "memory is short" in str(host.health()["memory_limiter"])
    machine.used, machine.now = 600, 2.0
    limiter.admit()
    assert host.health()["memory_limiter"] is None


def test_memory_is_measured_once_an_interval(limiter: MemoryLimiter, machine: Machine) -> None:
    for tenths in range(30):
        machine.now = tenths / 10
        limiter.admit()
    assert machine.asked == 3


def test_a_pipeline_asks_before_it_takes_a_request(machine: Machine, host: Host) -> None:
    config = MemoryLimiterConfig(limit_mib=1000)
    limiter = MemoryLimiter(ComponentId("memory_limiter"), config, host, used=machine.usage, clock=machine.clock)
    pipeline = Pipeline("p", [(ComponentId("memory_limiter"), limiter)], [], host)
    pipeline.start()
    machine.used = 801
    with pytest.raises(Retryable, match="memory is short"):
        pipeline.consume(Request(request(span()).SerializeToString()))
    machine.used, machine.now = 800, 1.0
    assert pipeline.consume(Request(request(span()).SerializeToString())).result(60).accepted_spans == 1
    pipeline.shutdown(5)


def test_a_percentage_is_of_the_memory_there_is() -> None:
    config = MemoryLimiterConfig(limit_percentage=50, spike_limit_percentage=10)
    assert config.limit_bytes == total_bytes() * 50 // 100
    assert config.spike_bytes == total_bytes() * 10 // 100
    assert 0 < resident() < total_bytes()


@pytest.mark.parametrize(
    "settings",
    [{}, {"limit_mib": -1}, {"limit_mib": 10, "spike_limit_mib": 10}, {"limit_percentage": 101}, {"limit": 5}],
)
def test_a_configuration_without_sense_is_a_fault(settings: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        MemoryLimiterConfig.model_validate(settings)
