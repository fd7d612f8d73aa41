"""Spans that sum up the model calls below them, though nothing says which kind of step they are."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.config import GenAiConfig, SummarySpan
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import Entries, Mask
from otel_sessions.semconv import SDK_LANGUAGE

_RELEASE: Final = re.compile(r"\d{1,9}(\.\d{1,9}){0,9}")


class Summaries:
    """Knows them by attributes (`summary_marks`), or by the library and name (`summary_spans`); each span by itself."""

    def __init__(self, config: GenAiConfig) -> None:
        self._marks = [mark.partition("=")[::2] for mark in config.summary_marks]
        self._spans = config.summary_spans
        self.keys = [key for key, _ in self._marks]
        """The span attributes this reads."""

    def found(self, batch: SpanBatch, entries: Entries) -> Mask:
        found = np.zeros(entries.length, np.bool_)
        for key, value in self._marks:
            if entries.has(key):
                _mark(found, entries, key, value)
        for span in self._spans:
            found |= _written_by(batch, span)
        return found


def _mark(found: Mask, entries: Entries, key: str, value: str) -> None:
    part = entries.of(key)
    rows = entries.rows[part]
    if value:
        texts = entries.values.take(pa.array(entries.places[part]))
        rows = rows[pc.equal(texts, value).to_numpy(zero_copy_only=False)]
    found[rows] = True


def _written_by(batch: SpanBatch, span: SummarySpan) -> Mask:
    found: Mask = _equal(batch["ScopeName"], span.scope) & _equal(batch["SpanName"], span.name)
    rows = np.flatnonzero(found)
    if not len(rows):
        return found
    taken = pa.array(rows)
    if span.language:
        languages = pc.map_lookup(batch["ResourceAttributes"].take(taken), SDK_LANGUAGE, "first")
        found[rows] &= _equal(languages, span.language)
    if span.since:
        versions = batch["ScopeVersion"].take(taken).to_pylist()
        found[rows] &= np.array([_release(version) >= _release(span.since) for version in versions], np.bool_)
    return found


def _equal(texts: pa.StringArray, text: str) -> Mask:
    mask: Mask = pc.fill_null(pc.equal(texts, text), False).to_numpy(zero_copy_only=False)
    return mask


def _release(version: str) -> list[int]:
    """The numbers that a version begins with; none, the oldest, where it does not."""
    matched = _RELEASE.match(version)
    return [int(part) for part in matched[0].split(".")] if matched else []
