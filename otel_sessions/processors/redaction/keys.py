"""What is to become of an attribute, by its key; each key is looked at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.processors.redaction.config import RedactionConfig

KEEP: Final = 0
"""As it is."""
SEARCH: Final = 1
"""Its value may hold something secret."""
HIDE: Final = 2
"""Its value is secret."""
DROP: Final = 3
_REMEMBERED: Final = 10_000

Fates = npt.NDArray[np.uint8]


class KeyRules:
    """The fates of keys, by a configuration."""

    def __init__(self, config: RedactionConfig) -> None:
        self._config = config
        self._fate = lru_cache(_REMEMBERED)(self._decide)

    def fates(self, keys: pa.StringArray) -> Fates:
        """One of the four for each key."""
        encoded = keys.dictionary_encode()
        of_each = np.array([self._fate(key) for key in encoded.dictionary.to_pylist()], np.uint8)
        found: Fates = of_each[encoded.indices.to_numpy()] if len(keys) else np.empty(0, np.uint8)
        return found

    def _decide(self, key: str) -> int:
        config = self._config
        if key in config.ignored_keys:
            return KEEP
        if not config.keeps_all_keys and key not in config.allowed_keys:
            return DROP
        if _matches(key, config.dropped_key_patterns):
            return DROP
        if _matches(key, config.blocked_key_patterns):
            return HIDE
        return SEARCH if config.blocked_values else KEEP


def _matches(key: str, patterns: Sequence[str]) -> bool:
    text = pa.array([key])
    return any(pc.match_substring_regex(text, pattern)[0].as_py() for pattern in patterns)
