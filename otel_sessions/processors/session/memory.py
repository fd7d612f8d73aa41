"""What is remembered of recent traces: the best claim seen of each."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

TraceKey: TypeAlias = "tuple[str, str]"
"""Project, trace id."""

_ENTRY_BYTES: Final = 400
"""About what an entry takes besides its session id, measured on CPython 3.11."""


class Claim(NamedTuple):
    """A claim of a span in the order in which claims of one trace compare: the smallest is the best.

    Python compares text by code points, which is the order of its UTF-8 bytes.
    """

    level: int
    not_root: int
    start: int
    session_id: str


class TraceMemory:
    """The best claims of recently seen traces, at most `traces` of them in about `max_bytes`.

    Two generations: when the younger one is half of all that may be kept, the older one is forgotten. A trace that is
    seen again counts as young again.
    """

    def __init__(self, traces: int, max_bytes: int) -> None:
        self._half_traces = traces // 2
        self._half_bytes = max_bytes // 2
        self.clear()

    def clear(self) -> None:
        self._young: dict[TraceKey, Claim] = {}
        self._old: dict[TraceKey, Claim] = {}
        self._young_bytes = 0

    def __len__(self) -> int:
        return len(self._young) + sum(key not in self._young for key in self._old)

    def __bool__(self) -> bool:
        return bool(self._young or self._old)

    def improve(self, trace: TraceKey, claim: Claim | None) -> Claim | None:
        """The better of this claim and the one remembered, which is remembered from now on."""
        young = self._young.get(trace)
        known = young or self._old.get(trace)
        best = min(known, claim) if known and claim else known or claim
        if best is not None and best is not young:
            self._keep(trace, best, young)
        return best

    def _keep(self, trace: TraceKey, claim: Claim, replaced: Claim | None) -> None:
        added = _size(claim) - (_size(replaced) if replaced else 0)
        if len(self._young) + (replaced is None) > self._half_traces or self._young_bytes + added > self._half_bytes:
            self._old, self._young, self._young_bytes = self._young, {}, 0
            added = _size(claim)
            self._old.pop(trace, None)
        if self._half_traces and added <= self._half_bytes:
            self._young[trace] = claim
            self._young_bytes += added


def _size(claim: Claim) -> int:
    return _ENTRY_BYTES + 4 * len(claim.session_id)
