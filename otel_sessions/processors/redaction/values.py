"""Secret text made unreadable."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.pdata.attributes import Mask
from otel_sessions.processors.redaction.config import RedactionConfig


class ValueRules:
    """What replaces secret values; `count` is told how many were replaced."""

    def __init__(self, config: RedactionConfig, count: Callable[[int], None]) -> None:
        self._patterns = config.blocked_values
        self._mask = config.mask
        self._hashed = _hash(config)
        self._count = count

    def hide(self, texts: pa.StringArray, where: Mask) -> pa.StringArray:
        """The texts, those at `where` replaced whole."""
        if not where.any():
            return texts
        self._count(int(where.sum()))
        if self._hashed is None:
            return pc.if_else(pa.array(where), self._mask, texts)
        secret = texts.filter(pa.array(where)).dictionary_encode()
        hashes = pa.array(map(self._hashed, secret.dictionary.to_pylist()), pa.string())
        return pc.replace_with_mask(texts, pa.array(where), hashes.take(secret.indices))

    def search(self, texts: pa.StringArray, where: Mask | None = None) -> pa.StringArray:
        """The texts, what matches a pattern in those at `where`, or anywhere, replaced by the mask."""
        if not self._patterns or not len(texts):
            return texts
        hits = reduce(np.logical_or, (self._matches(texts, pattern) for pattern in self._patterns))
        hits = hits if where is None else hits & where
        if not hits.any():
            return texts
        self._count(int(hits.sum()))
        found = texts.filter(pa.array(hits))
        for pattern in self._patterns:
            found = pc.replace_substring_regex(found, pattern, self._mask)
        return pc.replace_with_mask(texts, pa.array(hits), found)

    @staticmethod
    def _matches(texts: pa.StringArray, pattern: str) -> Mask:
        matches: Mask = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
        return matches


def _hash(config: RedactionConfig) -> Callable[[str], str] | None:
    match config.hash_function:
        case "sha256":
            return lambda text: hashlib.sha256(text.encode()).hexdigest()
        case "hmac-sha256":
            secret = config.hash_secret.get_secret_value().encode()
            return lambda text: hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
    return None
