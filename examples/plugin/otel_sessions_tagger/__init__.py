# SPDX-License-Identifier: Apache-2.0
"""Processor `tagger`: tags spans, and so their sessions, by what their attributes hold."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, Field

from otel_sessions.component import ComponentId, Factory, Host, ProcessorSettings, Settings
from otel_sessions.pdata import SpanBatch


def _pattern(text: str) -> str:
    try:
        pc.match_substring_regex(pa.array([""]), text)
    except pa.ArrowInvalid as error:
        raise ValueError("is no regular expression of RE2") from error
    return text


class Rule(Settings):
    """`tag` for each span whose `attribute` matches; a regular expression of RE2, anywhere in the value."""

    attribute: str = Field(min_length=1)
    matches: Annotated[str, AfterValidator(_pattern)] = ""
    tag: str = Field(min_length=1, max_length=200)


class TaggerConfig(ProcessorSettings):
    """Unknown keys are faults, with their path, as everywhere; `on_error` comes with `ProcessorSettings`."""

    rules: tuple[Rule, ...] = ()


class Tagger:
    """Works on columns: a rule costs some microseconds a thousand spans, however many there are."""

    def __init__(self, config: TaggerConfig) -> None:
        self._rules = config.rules
        self.on_error = config.on_error

    def process(self, batch: SpanBatch) -> SpanBatch:
        tags = batch["Tags"]
        for rule in self._rules:
            values = pc.map_lookup(batch["SpanAttributes"], pa.scalar(rule.attribute), "first")  # null where it is not
            found = pc.fill_null(pc.match_substring_regex(values, rule.matches), False)
            tags = with_tag(tags, np.flatnonzero(found.to_numpy(zero_copy_only=False)), rule.tag)
        return batch.with_columns({"Tags": tags})


def with_tag(tags: pa.ListArray, rows: np.ndarray, tag: str) -> pa.ListArray:
    """The lists, those of these rows with one more item."""
    values = pa.concat_arrays([tags.flatten(), pa.array([tag] * len(rows), tags.type.value_type)])
    owners = np.concatenate((pc.list_parent_indices(tags).to_numpy(), rows)).astype(np.int64)
    ends = np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=len(tags)))))
    order = pa.array(np.argsort(owners, kind="stable"))
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), values.take(order), type=tags.type)


def create(component_id: ComponentId, config: TaggerConfig, host: Host) -> Tagger:
    """Called once a pipeline. `host.metrics.registry` takes metrics of your own, `host.report` tells of trouble."""
    return Tagger(config)


factory = Factory("tagger", TaggerConfig, create, "Tags spans by what their attributes hold.")
