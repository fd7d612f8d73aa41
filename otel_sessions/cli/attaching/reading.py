# SPDX-License-Identifier: Apache-2.0
"""Reads a table of the Collector's exporter for ClickHouse, part by part, and sends what it has on.

No column says when a row was stored, so what was read is known by blocks: a part of a MergeTree is made of blocks, one
an insert, whose numbers only ever grow in a partition; merges keep them. A row is new when its part is made of blocks
of which not all were read. Nothing is asked of clocks or of the times of spans, and a late row is a new one. What is
merged of old and new blocks is read once more: spans count once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from clickhouse_connect.driver.client import Client

from otel_sessions.cli.attaching.spans import requests
from otel_sessions.clickhouse.chunks import Progress
from otel_sessions.clickhouse.errors import reading, writing
from otel_sessions.clickhouse.sql import statement
from otel_sessions.errors import Permanent

if TYPE_CHECKING:
    from otel_sessions.cli.sending import Sender

ROWS: Final = 5_000
"""Rows that are read at a time, and noted when the service has answered for them."""
_OURS: Final = "SessionHint"
_COLUMNS: Final = frozenset(
    {
        *("Timestamp", "Duration", "TraceId", "SpanId", "ParentSpanId", "TraceState", "SpanName", "SpanKind"),
        *("ServiceName", "ResourceAttributes", "ScopeName", "ScopeVersion", "SpanAttributes", "StatusCode"),
        *("StatusMessage", "Events.Timestamp", "Events.Name", "Events.Attributes"),
        *("Links.TraceId", "Links.SpanId", "Links.TraceState", "Links.Attributes"),
    }
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part, and its first and last block."""

    name: str
    partition: str
    low: int
    high: int
    rows: int


class Covered:
    """The blocks that were read, by partition, in runs of (first, last) that do not touch."""

    def __init__(self) -> None:
        self._runs: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)

    def has(self, part: Part) -> bool:
        """Whether every block of the part was read: also such as may come between two that were."""
        return any(low <= part.low and part.high <= high for low, high in self._runs[part.partition])

    def add(self, partition: str, low: int, high: int) -> tuple[int, int]:
        """The run that these blocks are now in."""
        apart = []
        for run in self._runs[partition]:
            if run[1] + 1 < low or high + 1 < run[0]:
                apart.append(run)
            else:
                low, high = min(low, run[0]), max(high, run[1])
        self._runs[partition] = [*apart, (low, high)]
        return low, high


class Reading:
    """What has been read of one table of `theirs`, and goes on being read; noted in a table of `ours`.

    Raises `Permanent` for a table that is not one of the Collector's exporter.
    """

    def __init__(self, theirs: Client, ours: Client, database: str, table: str) -> None:
        self._theirs = theirs
        self._ours = ours
        self._table = {"database": database, "table": table}
        with reading():
            found = self._rows(self._theirs, "table", self._table)
        name = f"{self._table['database']}.{self._table['table']}"
        if not found:
            raise Permanent(f"there is no table {name}, or it may not be read")
        [(uuid, engine, columns)] = found
        if _OURS in columns:
            raise Permanent(f"{name} is a table of otel-sessions: what it has is in sessions already")
        if missing := _COLUMNS - set(columns):
            raise Permanent(f"{name} is no table of the Collector's exporter: it has no {', '.join(sorted(missing))}")
        if not engine.endswith("MergeTree"):
            raise Permanent(f"{name} is of engine {engine}; attach to the MergeTree tables that it reads, one by one")
        self._source = str(uuid) if uuid.strip("0-") else name
        self._covered = Covered()
        self._begun: dict[str, int] = {}
        self.sent = 0
        """Spans that were sent so far, also by rounds that were interrupted."""
        with reading():
            for partition, low, high, part, rows in self._rows(ours, "noted", {"source": self._source}):
                if part:
                    self._begun[part] = rows
                else:
                    self._covered.add(partition, low, high)

    def rounds(self, sender: Sender) -> Generator[Progress, None, None]:
        """Sends what has not been read of all parts that there are now, and counts it in `sent`."""
        again = True
        while again:
            parts = [part for part in self._parts() if not self._covered.has(part)]
            total = sum(part.rows for part in parts)
            done = 0
            again = False
            for part in parts:
                begin = self._begun.get(part.name, 0)
                done += begin
                while begin < part.rows and not again:
                    yield Progress(done, total, "reading spans")
                    end = min(part.rows, begin + ROWS)
                    bound = {**self._table, "part": part.name, "begin": begin, "end": end}
                    with reading():
                        found = self._theirs.query(statement(__package__, "rows"), parameters=bound)
                        rows = list(found.named_results())
                    # A part that was merged away meanwhile has no rows; its blocks are in another one now.
                    again = len(rows) < end - begin and part not in self._parts()
                    if not again:
                        for body, spans in requests(rows):
                            sender.send(body)
                            self.sent += spans
                        done += end - begin
                        begin = end
                        self._note(part, begin)
                if again:
                    break

    def _note(self, part: Part, rows: int) -> None:
        if rows < part.rows:
            low, high, name = part.low, part.high, part.name
        else:
            low, high = self._covered.add(part.partition, part.low, part.high)
            name = ""
        noted = {"source": self._source, "partition": part.partition, "low": low, "high": high, "part": name}
        with writing("noting what has been read"):
            self._ours.command(statement(__package__, "note"), parameters={**noted, "rows": rows})

    def _parts(self) -> list[Part]:
        with reading():
            return [Part(*row) for row in self._rows(self._theirs, "parts", self._table)]

    @staticmethod
    def _rows(client: Client, name: str, bound: dict[str, Any]) -> list[Any]:
        return list(client.query(statement(__package__, name), parameters=bound).result_rows)
