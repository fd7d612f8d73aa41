# SPDX-License-Identifier: Apache-2.0
"""Makes secret text unreadable."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.attributes import replace_distinct, unwrap
from otel_sessions.pdata.attributes import Mask
from otel_sessions.processors.redaction.config import CHECKED, RedactionConfig


class ValueRules:
    """What replaces secret values; `count` is told how many were replaced."""

    def __init__(self, config: RedactionConfig, count: Callable[[int], None]) -> None:
        self._patterns = config.blocked_values
        self._mask = config.mask
        self._hash = _hash(config)
        self._count = count

    @property
    def hashes(self) -> bool:
        return self._hash is not None

    def hide(self, texts: pa.StringArray, where: Mask, encoded: Mask | None = None) -> pa.StringArray:
        """The texts, those at `where` replaced whole. The hash of text that is `encoded` as JSON is of what it says."""
        if not where.any():
            return texts
        self._count(int(where.sum()))
        if self._hash is None:
            return pc.if_else(pa.array(where), self._mask, texts)
        plain = texts if encoded is None else unwrap(texts, where & encoded)
        return replace_distinct(plain, where, self._hash)

    def search(self, texts: pa.StringArray, where: Mask | None = None) -> tuple[pa.StringArray, Mask]:
        """The texts, what matches a pattern in those at `where`, or anywhere, replaced by the mask; and which have
        something replaced."""
        changed = np.zeros(len(texts), np.bool_)
        if not self._patterns or not len(texts):
            return texts, changed
        for pattern in self._patterns:
            hits: Mask = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
            changed |= hits if where is None else hits & where
        if not changed.any():
            return texts, changed
        found = before = texts.filter(pa.array(changed))
        for pattern in self._patterns:
            found = self._masked(found, pattern)
        changed[np.flatnonzero(changed)] = pc.not_equal(found, before).to_numpy(zero_copy_only=False)
        self._count(int(changed.sum()))
        replaced = found.filter(pc.not_equal(found, before))
        return pc.replace_with_mask(texts, pa.array(changed), replaced), changed

    def _masked(self, texts: pa.StringArray, pattern: str) -> pa.StringArray:
        holds = CHECKED.get(pattern)
        if holds is None:
            return pc.replace_substring_regex(texts, pattern, self._mask)
        compiled, mask = re.compile(pattern, re.ASCII), self._mask

        def masked(text: str) -> str:
            return compiled.sub(lambda match: mask if holds(match[0]) else match[0], text)

        return replace_distinct(texts, np.ones(len(texts), np.bool_), masked)


def _hash(config: RedactionConfig) -> Callable[[str], str] | None:
    match config.hash_function:
        case "sha256":
            return lambda text: hashlib.sha256(text.encode()).hexdigest()
        case "hmac-sha256":
            secret = config.hash_secret.get_secret_value().encode()
            return lambda text: hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
    return None
