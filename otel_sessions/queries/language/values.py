# SPDX-License-Identifier: Apache-2.0
"""Numbers, durations and times as the language writes them; exact, as decimals."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from otel_sessions.queries.language.tree import Span

_NUMBER: Final = re.compile(r"([+-]?(?:\d{1,40}(?:\.\d{1,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?)([kM]?)", re.ASCII)
_DURATION: Final = re.compile(r"([+-]?(?:\d{1,40}(?:\.\d{1,40})?|\.\d{1,40}))(ns|us|ms|s|m|h|d)", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,40}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_SCALES: Final = {"": 1, "k": 1_000, "M": 1_000_000}
_NANOSECONDS: Final = {
    "ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9,
}  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST: Final = Decimal(10) ** 300


def number(text: str) -> Decimal | None:
    """Of `0.5`, `-3`, `1e-6`, `10k` or `2M`; None for anything else, and past 10^300."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    value = Decimal(match[1]) * _SCALES[match[2]]
    return value if abs(value) < _LARGEST else None


def duration(text: str) -> Decimal | None:
    """Nanoseconds of `30s`, `1.5h` or `250ms`; None for anything else."""
    match = _DURATION.fullmatch(text)
    return Decimal(match[1]) * _NANOSECONDS[match[2]] if match else None


def time(text: str) -> Span | None:
    """Nanoseconds since 1970 of an RFC 3339 time, or of the whole UTC day of a date; None for anything else."""
    try:
        if _DAY.fullmatch(text):
            start = _nanoseconds(datetime.fromisoformat(f"{text}T00:00:00+00:00"))
            return Span(start, start + _NANOSECONDS["d"] - 1)
        match = _TIME.fullmatch(text)
        if match is None:
            return None
        hours, minutes = int(match[5] or 0), int(match[6] or 0)
        if hours > 23 or minutes > 59:  # an offset is less than a day
            return None
        offset = timedelta(hours=hours, minutes=minutes) * (-1 if match[4] == "-" else 1)
        moment = _nanoseconds(datetime.fromisoformat(f"{match[1]}T{match[2]}+00:00") - offset)
    except (ValueError, OverflowError):
        return None
    moment += Decimal(f"0.{match[3] or 0}") * _NANOSECONDS["s"]
    return Span(moment, moment)


def _nanoseconds(moment: datetime) -> Decimal:
    since = moment - _EPOCH
    return Decimal((since.days * 86_400 + since.seconds) * 10**9)
