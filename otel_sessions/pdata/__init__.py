# SPDX-License-Identifier: Apache-2.0
"""The one data model: spans in columns, and how OTLP becomes them."""

from otel_sessions.pdata.batch import Note, SpanBatch, joined, split
from otel_sessions.pdata.fast import check, decode, decoder
from otel_sessions.pdata.otlp import Checked, Decoded, RequestResult
from otel_sessions.pdata.schema import (
    ATTRIBUTES,
    COST,
    DERIVED,
    NO_CLAIM,
    SCHEMA,
    TIMESTAMP,
    TRANSIENT,
    WIRE,
)

__all__ = [
    "ATTRIBUTES",
    "COST",
    "DERIVED",
    "NO_CLAIM",
    "SCHEMA",
    "TIMESTAMP",
    "TRANSIENT",
    "WIRE",
    "Checked",
    "Decoded",
    "Note",
    "RequestResult",
    "SpanBatch",
    "check",
    "decode",
    "decoder",
    "joined",
    "split",
]
