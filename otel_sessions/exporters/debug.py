# SPDX-License-Identifier: Apache-2.0
"""Exporter `debug`: spans into the service's own log; names of settings as in the Collector's.

Control characters in data are escaped, so that data cannot forge a line.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import Field

from otel_sessions.component import ComponentId, Factory, Host, Settings
from otel_sessions.pdata import DERIVED, TRANSIENT, WIRE, SpanBatch
from otel_sessions.pdata.schema import DERIVED_DEFAULTS
from otel_sessions.telemetry import printable


class DebugConfig(Settings):
    """How much is written of a batch: a line with counts, a line a span, or all that there is.

    Of each second the first `sampling_initial` batches are written, then every `sampling_thereafter`-th; with 0, none.
    """

    verbosity: Literal["basic", "normal", "detailed"] = "basic"
    sampling_initial: int = Field(default=2, ge=0)
    sampling_thereafter: int = Field(default=1, ge=0)


logger = logging.getLogger("otel_sessions.exporter.debug")


class Sampling:
    """Of each second the first few, then every n-th; as zap does it for the Collector."""

    def __init__(self, initial: int, thereafter: int, clock: Callable[[], float]) -> None:
        self._initial = initial
        self._thereafter = thereafter
        self._clock = clock
        self._second = -math.inf
        self._count = 0

    def takes(self) -> bool:
        """Whether the next one is written."""
        now = self._clock()
        if now - self._second >= 1.0:
            self._second, self._count = now, 0
        self._count += 1
        beyond = self._count - self._initial
        return beyond <= 0 or (self._thereafter > 0 and beyond % self._thereafter == 0)


class DebugExporter:
    """Called by one thread at a time. Never fails, and keeps nothing."""

    def __init__(self, config: DebugConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._lines = LINES[config.verbosity]
        self._sampling = Sampling(config.sampling_initial, config.sampling_thereafter, clock)

    def start(self) -> None: ...

    def shutdown(self, timeout: float) -> None: ...

    def export(self, batches: Sequence[SpanBatch], token: str) -> None:
        """Writes the batches, unless they are sampled away; a record of the log is one line."""
        if self._sampling.takes():
            for line in self._lines(batches):
                logger.info("%s", line)


_PARTS: Final = ("Events.", "Links.")
_DEFAULTS: Final = {name: scalar.as_py() for name, scalar in DERIVED_DEFAULTS.items()}
_WIRE: Final = [field.name for field in WIRE]
_DERIVED: Final = [field.name for field in DERIVED]
Row = Mapping[str, Any]


def basic(batches: Sequence[SpanBatch]) -> Iterator[str]:
    """One line for them all."""
    resources = {str(row) for batch in batches for row in batch["ResourceAttributes"].to_pylist()}
    yield f"Traces: resources {len(resources)}, spans {sum(map(len, batches))}"


def normal(batches: Sequence[SpanBatch]) -> Iterator[str]:
    """A line a span: name, ids, attributes."""
    for row in _rows(batches):
        pairs = "".join(f" {key}={value}" for key, value in row["SpanAttributes"])
        yield printable(f"{row['SpanName']} {row['TraceId']} {row['SpanId']}{pairs}")


def detailed(batches: Sequence[SpanBatch]) -> Iterator[str]:
    """A line a value, all that was sent and all that processors found."""
    for number, row in enumerate(_rows(batches)):
        yield f"Span #{number}"
        for name in _WIRE:
            if not name.startswith(_PARTS):
                yield from _value(name, row[name], "    ")
        for part in _PARTS:
            yield from _part(part, {name.removeprefix(part): row[name] for name in _WIRE if name.startswith(part)})
        found = [name for name in _DERIVED if row[name] != _DEFAULTS[name]]
        if found:
            yield "    Found by processors"
            for name in found:
                yield from _value(name, row[name], "        ")


LINES: Final[Mapping[str, Callable[[Sequence[SpanBatch]], Iterator[str]]]] = {
    "basic": basic,
    "normal": normal,
    "detailed": detailed,
}
"""What makes the lines, by verbosity."""


def _rows(batches: Iterable[SpanBatch]) -> Iterator[Row]:
    hidden = [field.name for field in TRANSIENT]
    for batch in batches:
        for start in range(0, len(batch), 1000):
            yield from batch.slice(start, 1000).record.drop_columns(hidden).to_pylist()


def _part(part: str, columns: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    for number, values in enumerate(zip(*columns.values(), strict=True)):
        yield f"    {part[:-2]} #{number}"
        for name, value in zip(columns, values, strict=True):
            yield from _value(name, value, "        ")


def _value(name: str, value: Any, indent: str) -> Iterator[str]:
    if name.endswith("Attributes"):
        yield from (f"{indent}{name} -> {printable(key)}: {printable(text)}" for key, text in value)
    else:
        yield f"{indent}{name}: {printable(str(value))}"


def _create(component_id: ComponentId, config: DebugConfig, host: Host) -> DebugExporter:
    return DebugExporter(config)


factory = Factory("debug", DebugConfig, _create, "Writes spans into the service's log.")
