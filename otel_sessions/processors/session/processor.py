# SPDX-License-Identifier: Apache-2.0
"""The session processor: what spans say of their session, user, model call and content, as columns."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions import semconv
from otel_sessions.genai.attributes import with_members, with_outer
from otel_sessions.genai.steps import GenAi
from otel_sessions.pdata import Checked, SpanBatch
from otel_sessions.pdata.attributes import KeySet, Mask
from otel_sessions.processors.session import fields
from otel_sessions.processors.session.config import SessionConfig
from otel_sessions.processors.session.limits import limited
from otel_sessions.processors.session.memory import Claim, Claiming, TraceKey, TraceMemory
from otel_sessions.processors.session.span_claims import Claims, find_ids, first_id, note_too_long, own_claims
from otel_sessions.processors.session.trace_claims import session_hints
from otel_sessions.processors.session.unclaimed import Unclaimed

_LEARNED: Final = 10_000
"""Claims from elsewhere that may wait for the next batch; it is a hint, the oldest go first."""


class SessionProcessor:
    """Fills every derived column of a batch.

    The best claim of a trace and the session hint are those known at this moment, from the batch and a bounded memory
    of recent traces; all other columns are a function of their span alone.
    """

    def __init__(
        self,
        config: SessionConfig,
        unclaimed: Unclaimed | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`unclaimed` is shown every batch, once its sessions are known."""
        self._config = config
        self._unclaimed = unclaimed
        ids = [*config.session_keys, *config.conversation_keys, *config.user_keys]
        own = [*ids, *config.root_keys, *fields.span_keys(config)]
        named = dict.fromkeys(config.previous_session_keys, semconv.SESSION_PREVIOUS_ID)
        self._genai = GenAi(config, taken=tuple(own), named=named)
        self._memory = TraceMemory(config.memory.traces, config.memory.max_bytes)
        self._learned: deque[tuple[TraceKey, Claim]] = deque(maxlen=_LEARNED)
        self._claiming_keys = frozenset((*config.session_keys, *config.conversation_keys))
        self.noted_bytes = config.max_session_id_bytes
        self.claim_wait = config.claim_wait
        self._claiming = Claiming(clock, config.claim_wait)
        # One set for both, so that a key has the same place in either.
        self._keys = KeySet(with_outer([*own, *self._genai.keys]))

    def learn(self, trace: TraceKey, claim: Claim) -> None:
        """Takes note of a claim that others have found; spans of the trace in later batches follow it."""
        self._learned.append((trace, claim))
        if self._unclaimed:
            self._unclaimed.note_claim(trace)

    def forget(self) -> None:
        """Starts afresh: a claim that is not stored may not decide where spans are filed."""
        self._memory.clear()

    def process(self, batch: SpanBatch) -> SpanBatch:
        if not len(batch):
            return batch
        self._learn()
        config = self._config
        attributes = batch.named("SpanAttributes")
        entries = with_members(self._keys.entries(attributes), batch["SpanCompositeKeys"])
        resource_entries = self._keys.entries(batch["ResourceAttributes"])
        span = find_ids(entries, batch["SpanCompositeKeys"], config)
        resource = find_ids(resource_entries, batch["ResourceCompositeKeys"], config)
        claims = own_claims(span, resource, config)
        # without a parent, or marked as the root of their application
        is_root: Mask = pc.binary_length(batch["ParentSpanId"]).to_numpy() == 0
        for key in filter(entries.has, config.root_keys):
            marked = pc.equal(entries.text(entries.first([key])), "true")
            is_root = is_root | marked.to_numpy(zero_copy_only=False)
        columns = {
            "IsRoot": pa.array(is_root).cast(pa.uint8()),
            "UserId": first_id(span, resource, config.user_keys),
            **claims.columns(),
            **session_hints(batch, claims, is_root, self._memory),
            **fields.columns(entries, resource_entries, config),
            **self._genai.columns(batch, attributes, entries, fields.told_by_events(batch, claims.id, config)),
        }
        found = note_too_long(batch.with_columns(columns), span, resource, config)
        if self._unclaimed:
            self._unclaimed.see(found, self._claiming.has_claimed)
        if self.claim_wait:
            self._claiming.see(found)
        return limited(found, config.span_limits)

    def may_note(self, checked: Checked) -> bool:
        """Whether `process` may add a note: an id may be too long, or a span holds more than it may."""
        limits = self._config.span_limits
        over = (
            (checked.attributes, limits.attributes),
            (checked.events, limits.events),
            (checked.links, limits.links),
        )
        return not self._claiming_keys.isdisjoint(checked.long_keys) or any(0 < limit < most for most, limit in over)

    def unclaimed(self, batch: SpanBatch) -> pa.BooleanArray:
        """Spans of traces without any claim, for which one may come."""
        return pc.and_(pc.equal(batch["SessionHint"], ""), self._claiming.expects(batch))

    def claim(self, batch: SpanBatch) -> SpanBatch:
        """The spans with the best claims of their traces as they are known now."""
        self._learn()
        level = batch["ClaimLevel"].to_numpy().astype(np.int64)
        is_root = batch["IsRoot"].to_numpy() == 1
        claims = Claims(level, batch["ClaimId"], batch["ClaimKey"])
        return batch.with_columns(session_hints(batch, claims, is_root, self._memory))

    def _learn(self) -> None:
        while self._learned:
            self._memory.improve(*self._learned.popleft())
