"""Content in span events: an event is a message, or carries a list of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.previews import message_texts
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import Entries, Indices, KeySet, take_text


class Events:
    """Reads sources as `EVENT#KEY`: the attribute `KEY` of events called `EVENT`."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._names = pa.array(dict.fromkeys(source.partition("#")[0] for source in sources), pa.string())
        self._keys = KeySet(source.partition("#")[2] for source in sources)

    def found(self, batch: SpanBatch) -> FoundEvents | None:
        """The events of these names in the batch; None without any."""
        names = batch["Events.Name"].flatten()
        if not len(names) or not pc.any(pc.is_in(names, value_set=self._names)).as_py():
            return None
        rows = pc.list_parent_indices(batch["Events.Name"]).to_numpy()
        return FoundEvents(names, rows, self._keys.entries(batch["Events.Attributes"].flatten()))


class FoundEvents:
    """The events of a batch, one after the other, with the row of each."""

    def __init__(self, names: pa.StringArray, rows: Indices, entries: Entries) -> None:
        self._names = names
        self._rows = rows
        self._entries = entries

    def texts(self, sources: Sequence[str], length: int) -> pa.StringArray:
        """What each of `length` rows holds under the first of the sources, in its last event; else empty."""
        place = np.full(length, -1, np.int64)
        for source in reversed(sources):
            name, _, key = source.partition("#")
            part = self._entries.of(key)
            events = self._entries.rows[part]
            named = pc.equal(self._names, name).to_numpy(zero_copy_only=False)[events]
            place[self._rows[events[named]]] = self._entries.places[part][named]
        return message_texts(take_text(self._entries.values, place))
