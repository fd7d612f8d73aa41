# SPDX-License-Identifier: Apache-2.0
"""Arrow columns from the flat Python lists that a decoder collects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from otel_sessions.pdata.schema import TIMESTAMP
from otel_sessions.pdata.values import as_text, double_as_text, is_composite

_MAX_NS: Final = np.uint64(2**63 - 1)


class Maps:
    """Collects attribute lists, one `add` a row, for a column of type `ATTRIBUTES`."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._items: list[str] = []
        self._offsets: list[int] = [0]

    def add(self, attributes: Iterable[KeyValue]) -> Sequence[str]:
        """Adds one row; returns those of its keys whose value is composite.

        Of a key that occurs twice the last value is kept, as in the Collector's maps; readers of a ClickHouse `Map`
        need keys once.
        """
        row: dict[str, str] = {}
        odd = False
        for pair in attributes:
            value = pair.value
            # Only the member of a oneof that is set is not its default. Nearly all values are non-empty strings or
            # numbers that are not 0, and to ask for these costs a third of asking which one is set.
            if not (text := value.string_value):
                if number := value.int_value:
                    text = str(number)
                elif double := value.double_value:
                    text = double_as_text(double)
                else:
                    text = as_text(value)
                    odd = odd or is_composite(value)
            row[pair.key] = text
        self._keys.extend(row)
        self._items.extend(row.values())
        self._offsets.append(len(self._keys))
        if not odd:
            return ()
        last = {pair.key: pair.value for pair in attributes}
        return [key for key, value in last.items() if is_composite(value)]

    def array(self) -> pa.MapArray:
        return pa.MapArray.from_arrays(pa.array(self._offsets, pa.int32()), strings(self._keys), strings(self._items))


def transposed(rows: Sequence[tuple[Any, ...]], width: int) -> list[tuple[Any, ...]]:
    """The `width` columns of these rows."""
    return list(zip(*rows, strict=True)) if rows else [()] * width


def strings(values: Sequence[str]) -> pa.StringArray:
    return pa.array(values, pa.string())


def uint32(values: Sequence[int]) -> pa.UInt32Array:
    return pa.array(values, pa.uint32())


def uint64(values: Sequence[int]) -> npt.NDArray[np.uint64]:
    return np.array(values, dtype=np.uint64)


def timestamps(values: npt.NDArray[np.uint64]) -> pa.TimestampArray:
    """Nanoseconds since 1970 as timestamps, those after 2262 as the last one there is."""
    return pa.array(np.minimum(values, _MAX_NS).astype(np.int64)).cast(TIMESTAMP)


def names(numbers: Sequence[int], known: Sequence[str]) -> pa.StringArray:
    """Enum numbers by their names; a number without one is the first, the enum's zero value."""
    return strings([known[number] if 0 <= number < len(known) else known[0] for number in numbers])


def lists(offsets: Sequence[int], values: pa.Array) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def string_lists(rows: Iterable[Sequence[str]]) -> pa.ListArray:
    offsets, flat = [0], list[str]()
    for row in rows:
        flat.extend(row)
        offsets.append(len(flat))
    return lists(offsets, strings(flat))
