# SPDX-License-Identifier: Apache-2.0
"""The rule of what a session is, once more: plain Python over rows, slow and obviously right.

It is the brute-force oracle of the property tests: whatever the pipeline, the processors and ClickHouse make of spans,
in any order, in any batches and any number of times, must equal what these functions say of their set.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TypeAlias, TypedDict

NO_CLAIM: Final = 9
KEEPS_APART: Final = 2
"""Claims of levels up to this one keep spans of one trace apart."""

Identity: TypeAlias = "tuple[str, str, str]"
"""Project, trace id, span id."""


@dataclass(frozen=True, slots=True)
class OracleSpan:
    """What the rule and the views need to know of a span; times in ns, `cost` in USD, `claim_id` empty at `NO_CLAIM`.

    Tokens and cost are what the span states: they count where a model was called, which `kind` tells. `has_parent` is
    for roots that are marked as those of their application; others have a parent unless they are roots.
    """

    project: str
    trace_id: str
    span_id: str
    is_root: bool = False
    start: int = 0
    end: int = 0
    level: int = NO_CLAIM
    claim_id: str = ""
    error: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)
    cached_tokens: int = 0
    cache_creation_tokens: int = 0
    reasoning_tokens: int = 0
    states_cost: bool = True
    kind: Literal["model", "tool", "agent", "other"] = "model"
    step_name: str = ""
    name: str = "span"
    has_parent: bool = False
    is_update: bool = False
    user: str = ""
    environment: str = ""
    service: str = ""
    tags: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    trace_name: str = ""
    input: str = ""
    output: str = ""
    trace_input: str = ""
    trace_output: str = ""
    message: str = ""
    exception: str = ""
    mark: str = ""
    """What tells two versions of one span apart."""

    @property
    def identity(self) -> Identity:
        return self.project, self.trace_id, self.span_id

    @property
    def claim(self) -> tuple[int, int, int, bytes]:
        """How claims of one trace compare: the smallest is the best."""
        return self.level, 0 if self.is_root else 1, self.start, self.claim_id.encode()


class Figures(TypedDict):
    """A session in numbers, under the column names of the view `sessions`; times in ns."""

    TraceCount: int
    SpanCount: int
    ErrorCount: int
    InputTokens: int
    OutputTokens: int
    Cost: Decimal
    StartTime: int
    EndTime: int


def assign(spans: Iterable[OracleSpan]) -> dict[Identity, str | None]:
    """The session of each span, None for spans of no session.

    Raises ValueError where two different spans share an identity: then more than one answer is right.
    """
    sessions: dict[Identity, str | None] = {}
    traces: defaultdict[tuple[str, str], list[OracleSpan]] = defaultdict(list)
    for span in _distinct(spans):
        traces[span.project, span.trace_id].append(span)
    for trace in traces.values():
        best = min(trace, key=lambda span: span.claim)
        for span in trace:
            if best.level == NO_CLAIM:
                sessions[span.identity] = None
            elif best.level <= KEEPS_APART and span.level == best.level:
                sessions[span.identity] = span.claim_id
            else:
                sessions[span.identity] = best.claim_id
    return sessions


def figures(spans: Iterable[OracleSpan]) -> dict[tuple[str, str], Figures]:
    """The figures of each session by (project, session id), every span counted once; ValueError as `assign`."""
    distinct = _distinct(spans)
    sessions = assign(distinct)
    members: defaultdict[tuple[str, str], list[OracleSpan]] = defaultdict(list)
    for span in distinct:
        session = sessions[span.identity]
        if session is not None:
            members[span.project, session].append(span)
    return {
        key: Figures(
            TraceCount=len({span.trace_id for span in group}),
            SpanCount=len(group),
            ErrorCount=sum(span.error for span in group),
            InputTokens=sum(span.input_tokens for span in group),
            OutputTokens=sum(span.output_tokens for span in group),
            Cost=sum((span.cost for span in group), Decimal(0)),
            StartTime=min(span.start for span in group),
            EndTime=max(span.end for span in group),
        )
        for key, group in members.items()
    }


def best_of(spans: Iterable[OracleSpan]) -> OracleSpan | None:
    """The span of a trace that has its best claim; None if there is no claim."""
    best = min(spans, key=lambda span: span.claim)
    return None if best.level == NO_CLAIM else best


def _distinct(spans: Iterable[OracleSpan]) -> list[OracleSpan]:
    found: dict[Identity, OracleSpan] = {}
    for span in spans:
        if found.setdefault(span.identity, span) != span:
            raise ValueError(f"two different spans are {span.identity}")
    return list(found.values())
