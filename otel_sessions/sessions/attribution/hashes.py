# SPDX-License-Identifier: Apache-2.0
"""Hashes of ids as spans have them, in hexadecimal digits, which ClickHouse and numpy work out alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from otel_sessions.clickhouse.sql import statement

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Words = npt.NDArray[np.uint64]
Hashes = npt.NDArray[np.uint64]
TRACE_ID_CHARS: Final = 32
SPAN_ID_CHARS: Final = 16
_WORD: Final = 8
_STREAMED: Final = 8 * 2**20
_FACTORS: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)
"""Odd, so that each word of an id counts whole."""


def words(ids: pa.StringArray, chars: int) -> Words | None:
    """The characters of each id, eight to a number: an array of shape (ids, chars / 8); None where a length differs."""
    offsets = np.frombuffer(ids.buffers()[1], np.int32, len(ids) + 1, offset=4 * ids.offset)
    if not np.array_equal(np.diff(offsets), np.full(len(ids), chars, np.int32)):
        return None
    data = np.frombuffer(ids.buffers()[2], np.uint8, chars * len(ids), offset=int(offsets[0]))
    return data.view("<u8").reshape(len(ids), chars // _WORD)


def id_hashes(of: Words) -> Hashes:
    """A number of 64 bits for each row of words."""
    hashes: Hashes = np.zeros(len(of), np.uint64)
    for column, factor in zip(of.T, _FACTORS, strict=False):
        hashes ^= column * np.uint64(factor)
    return hashes


def stored_ids(client: Client) -> Iterator[Hashes]:
    """`id_hashes` of the trace ids of all that is stored, again for each of its rows."""
    names = ("first", "second", "third", "fourth")
    parameters = dict(zip(names, _FACTORS, strict=True))
    with client.raw_stream(statement(__package__, "stored_ids"), parameters=parameters, fmt="RowBinary") as stream:
        while block := stream.read(_STREAMED):
            yield np.frombuffer(block, np.uint64)
