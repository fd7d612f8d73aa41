"""What is stored, fed to the views once more.

The best claim of a trace is worked out from what its stored spans claim themselves. Every row is then fed to the views
as if its receiver had known that claim, and spans that a late claim moves are fed under their right session too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse import chunks
from otel_sessions.clickhouse.chunks import Piece, Progress
from otel_sessions.sessions import attribution
from otel_sessions.sessions.rebuild import statements
from otel_sessions.sessions.rebuild.side import Side
from otel_sessions.sessions.rebuild.statements import Place

TRACES_A_STATEMENT = 200
"""Over HTTP their ids travel in the request line."""


@dataclass(frozen=True, slots=True)
class History:
    """The pieces of `otel_traces`; only the traces that are in the table of best claims, unless it is about everything.

    Every method is to be called once, in this order. Rows count as done in halves: claims, and the rest.
    """

    client: Client
    side: Side
    everything: bool
    rows: int
    places: Sequence[Piece[Place]]
    traces: Sequence[Piece[str]]

    @classmethod
    def plan(cls, client: Client, side: Side, rows_a_piece: int, *, everything: bool) -> History:
        rows = client.query("SELECT count() FROM otel_traces").result_rows[0][0]
        number = chunks.count(rows, rows_a_piece)
        ((_, sample),) = statements.rows(client, "sample", {"size": chunks.sample_size(number)})
        places = chunks.cut([(session, trace) for session, trace in sample], number, ("", ""))
        traces = chunks.cut([trace for _, trace in sample], number, "")
        return cls(client, side, everything, rows, places, traces)

    def claims(self) -> Iterator[Progress]:
        """Finds the best claim of each trace."""
        for number, piece in enumerate(self.places):
            yield self._progress(0, number, "reading claims")
            self._insert("best", statements.places(piece))

    def feed(self) -> Iterator[Progress]:
        """Fills the tables behind the views of the stage."""
        columns = self.side.columns()
        for number, piece in enumerate(self.places):
            yield self._progress(1, number, "rebuilding")
            self._insert("feed", statements.places(piece), columns)
            self._insert("moved", statements.places(piece))

    def announce(self) -> Iterator[Progress]:
        """Tells the sessions in force which claim of each trace is the best."""
        for piece in self.traces:
            yield self._progress(2, 0, "putting late claims into force")
            self._insert("claims", statements.traces(piece))

    def resolve(self) -> Iterator[Progress]:
        """Lets one version of each span count in the tables in force, where different spans claim one identity."""
        for piece in self.traces:
            yield self._progress(2, 0, "looking for spans with one identity")
            found = statements.rows(self.client, "conflicting", {**self._names(), **statements.traces(piece)})
            keys = [(project, trace) for project, trace in found]
            for start in range(0, len(keys), TRACES_A_STATEMENT):
                attribution.resolve(self.client, keys[start : start + TRACES_A_STATEMENT])

    def _insert(self, name: str, parameters: dict[str, Any], columns: str = "") -> None:
        self.side.beat()
        sql = statements.text(name).replace("COLUMNS_THAT_VIEWS_READ", columns)
        statements.insert(self.client, sql, {**self._names(), **parameters})

    def _names(self) -> dict[str, Any]:
        return {"best": self.side.best, "stage": self.side.stage, "all": int(self.everything)}

    def _progress(self, halves: int, number: int, doing: str) -> Progress:
        done = halves * self.rows + self.rows * number // len(self.places)
        return Progress(done, 2 * self.rows, doing)
