# SPDX-License-Identifier: Apache-2.0
"""How many parts of `otel_traces` the embedded engine merges at a time.

A merge holds some rows of each of its parts. Of usual spans that is little, but of sixteen parts with spans of 40 MB it
would be over a gibibyte: so the larger the largest span, the fewer parts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from otel_sessions.clickhouse.errors import writing
from otel_sessions.clickhouse.rows import TABLE
from otel_sessions.clickhouse.sql import statement
from otel_sessions.pdata import SpanBatch

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

PARTS: Final = 16
"""As the schema says."""
MERGE_BYTES: Final = 192 * 2**20
HELD: Final = 4
"""How many times its largest row a merge holds of a part."""
_WIDE: Final = (
    *("SpanAttributes", "ResourceAttributes", "ScopeAttributes", "Events.Attributes", "Links.Attributes"),
    *("Links.TraceState", "Events.Name", "StatusMessage", "SpanName", "TraceState"),
)
"""The columns in which a client can have long texts."""
_SAID: Final = re.compile(r"\bmax_parts_to_merge_at_once = (\d+)")


class Merges:
    """Tells the engine, before an insert, to merge fewer parts at a time where its largest span asks for that.

    What was told stays with the table. After two weeks without a larger span, partitions of which are no longer merged,
    the next start tells it to merge as many as before. Used by one thread.
    """

    def __init__(self) -> None:
        self._parts: int | None = None

    def bound(self, client: Client, batches: Sequence[SpanBatch]) -> None:
        """Raises as `writing` does."""
        parts = parts_for(max(map(largest_row, batches), default=0))
        with writing("bounding merges"):
            if self._parts is None:
                self._parts = self._told(client)
            if parts < self._parts:
                self._tell(client, parts)

    def _told(self, client: Client) -> int:
        sql = statement("otel_sessions.exporters.clickhouse", "merges")
        [[engine, is_old]] = client.query(sql, {"table": TABLE}).result_rows
        found = _SAID.search(engine)
        told = int(found[1]) if found else PARTS
        if told < PARTS and is_old:
            self._tell(client, PARTS)
            return PARTS
        return told

    def _tell(self, client: Client, parts: int) -> None:
        settings = ", ".join(f"{end}_parts_to_merge_at_once = {parts}" for end in ("min", "max"))
        client.command(f"ALTER TABLE {TABLE} MODIFY SETTING {settings}")
        self._parts = parts


def parts_for(row_bytes: int) -> int:
    """How many parts may be merged at a time where the largest row has so many bytes: two at least."""
    return max(2, min(PARTS, MERGE_BYTES // (HELD * max(row_bytes, 1))))


def largest_row(batch: SpanBatch) -> int:
    """The bytes of texts of the span that has most of them."""
    rows = sum((np.diff(_ends(batch[name])) for name in _WIDE), np.zeros(len(batch), np.int64))
    return int(rows.max(initial=0))


def _ends(array: pa.Array) -> npt.NDArray[np.int64]:
    """Where the texts of each row end, and of the first where they begin, in bytes of all texts below."""
    if isinstance(array, pa.StringArray):
        offsets = np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]
        return offsets.astype(np.int64)
    offsets = array.offsets.to_numpy()
    children = (array.keys, array.items) if isinstance(array, pa.MapArray) else (array.values,)
    found: npt.NDArray[np.int64] = sum((_ends(child)[offsets] for child in children), np.zeros(1, np.int64))
    return found
