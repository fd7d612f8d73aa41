"""Values of which nothing but the mask is left: they are no ids, or all whose id was masked would share one session."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def with_masked(lists: pa.ListArray, maps: pa.MapArray, mask: str) -> pa.ListArray:
    """The lists of keys, each with those added whose value in the map of the same row is the mask."""
    start, stop = int(maps.offsets[0].as_py()), int(maps.offsets[-1].as_py())
    keys, items = maps.keys.slice(start, stop - start), maps.items.slice(start, stop - start)
    masked = pc.equal(items, mask).to_numpy(zero_copy_only=False)
    if not masked.any():
        return lists
    owners = np.repeat(np.arange(len(maps)), np.diff(maps.offsets.to_numpy()))[masked]
    rows = np.concatenate((pc.list_parent_indices(lists).to_numpy(), owners))
    order = pa.array(np.argsort(rows, kind="stable"))
    values = pa.concat_arrays([lists.flatten(), keys.filter(pa.array(masked))]).take(order)
    ends = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(lists)))))
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), values, type=lists.type)
