# SPDX-License-Identifier: Apache-2.0
"""Writes values as attributes: as JSON of bounded size that every exporter can encode, and as far as they may be seen.

A value that cannot be written as OTLP would cost its whole batch of spans. Little of the application's code is run.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import math
import pathlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from json.encoder import encode_basestring as _quoted
from typing import Any, Final
from weakref import WeakValueDictionary

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.trace import Span
from opentelemetry.util.types import AttributeValue

from otel_sessions import semconv
from otel_sessions.sdk.safely import logger

MAX_CHARS: Final = 65_536
"""Of one attribute, before what JSON adds for quotes and escapes."""
MAX_NAME: Final = 1000
"""Of a span's name."""
MAX_DEPTH: Final = 12
MAX_ID_BYTES: Final = 8192
"""Beyond that the receiver takes no text for an id."""
MAX_TAGS: Final = 100
MAX_METADATA: Final = 64
_INT64: Final = 2**63
_REPR_CHARS: Final = 1000
_INT_BITS: Final = 4096
_CUT: Final = "..."
_MORE: Final = f'"{_CUT}"'
_WORDS: Final = {None: "null", True: "true", False: "false"}
_AS_TEXT: Final = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID, pathlib.PurePath)

Redact = Callable[[Any], Any]
"""Takes a value that is about to become an attribute and returns what may be seen of it."""
_CONTENTS: Final = (
    semconv.OBSERVATION_INPUT,
    semconv.OBSERVATION_OUTPUT,
    semconv.TRACE_INPUT,
    semconv.TRACE_OUTPUT,
)
_hook: Redact | None = None
_written: Final[WeakValueDictionary[int, BoundedAttributes]] = WeakValueDictionary()
"""By the id of each, the attributes of spans with contents that are open, or ended and held by an exporter."""
_out_of_reach = False


def text(value: Any, limit: int = MAX_CHARS, redact: Redact | None = None) -> str:
    """Text as it is, other values as JSON, cut to about `limit` characters; JSON that is cut is still JSON.

    Never raises. Where `redact` fails, nothing of the value is seen.
    """
    if redact is not None:
        try:
            value = redact(value)
        except Exception:  # noqa: BLE001 - the application's code; the value must not leak
            return "<redaction failed>"
    try:
        return encodable(_cut(value, limit) if type(value) is str else _Writer(limit).of(value, 0))
    except Exception:  # noqa: BLE001 - the application's objects may do anything
        return _unwritable(value)


def words(value: object, limit: int = MAX_CHARS) -> str:
    """`str(value)`, cut to about `limit` characters, for names and messages. Never raises."""
    try:
        return encodable(_cut(str(value), limit))
    except Exception:  # noqa: BLE001 - the application's objects may do anything
        return _unwritable(value)


def encodable(text: str) -> str:
    """The text with `?` for what UTF-8 cannot hold: one such character would cost a whole batch of spans."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _unwritable(value: object) -> str:
    return f"<{type(value).__name__} that cannot be written>"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(0, limit)] + _CUT


class _Writer:
    """Writes a value as JSON, until its characters are used up. In one pass: it runs in every observed call."""

    __slots__ = ("left",)

    def __init__(self, limit: int) -> None:
        self.left = limit

    def of(self, value: Any, depth: int) -> str:  # noqa: PLR0911 - a type, a line; a table of functions takes longer
        kind = type(value)
        if kind is str:
            return self._text(value)
        self.left -= 4
        if kind is int:
            return str(value) if value.bit_length() < _INT_BITS else f'"<int of {value.bit_length()} bits>"'
        if value is None or kind is bool:
            return _WORDS[value]
        if kind is float:
            return repr(value) if math.isfinite(value) else f'"{value}"'
        if depth >= MAX_DEPTH or self.left <= 0:
            return _MORE
        if kind is dict:
            return self._mapping(value, depth)
        if kind is list or kind is tuple:
            return self._items(value, depth)
        try:
            return self._other(value, depth)
        except Exception:  # noqa: BLE001 - the application's objects may do anything; what stands beside it is kept
            return _quoted(_unwritable(value))

    def _text(self, value: str) -> str:
        left = self.left
        if len(value) > left:
            value = _cut(value, left)
        self.left = left - len(value) - 2
        return _quoted(value)

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> str:
        found: list[str] = []
        for key, item in value.items():
            if self.left <= 0:
                found.append(f'{_MORE}:"{len(value) - len(found)} more"')
                break
            name = self._text(key if type(key) is str else words(key))
            found.append(f"{name}:{self.of(item, depth + 1)}")
        return "{" + ",".join(found) + "}"

    def _items(self, value: Any, depth: int) -> str:
        found: list[str] = []
        for item in value:
            if self.left <= 0:
                found.append(f'"{_CUT} {len(value) - len(found)} more"')
                break
            found.append(self.of(item, depth + 1))
        return "[" + ",".join(found) + "]"

    def _other(self, value: Any, depth: int) -> str:  # noqa: PLR0911
        if isinstance(value, enum.Enum):
            return self.of(value.value, depth + 1)
        if isinstance(value, str):
            return self._text(str(value))
        if isinstance(value, int | float):
            return self.of(int(value) if isinstance(value, int) else float(value), depth)
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, list | tuple):
            return self._items(value, depth)
        if isinstance(value, AbstractSet):
            return self._items(list(islice(value, self.left)), depth)
        if isinstance(value, bytes | bytearray | memoryview):
            return f'"<{len(value)} bytes>"'
        if isinstance(value, _AS_TEXT):
            return self._text(str(value))
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {each.name: getattr(value, each.name, None) for each in dataclasses.fields(value) if each.repr}
            return self._mapping(fields, depth)
        # a Pydantic model, without its serialisers
        is_model = hasattr(type(value), "model_fields") and not isinstance(value, type)
        if is_model and isinstance(members := getattr(value, "__dict__", None), dict):
            return self._mapping(members, depth)
        return self._text(_description(value))


def _description(value: Any) -> str:
    """What the object says of itself, if its type has words for it."""
    name = type(value).__name__
    if getattr(type(value), "__repr__", None) is object.__repr__:
        return f"<{name}>"
    try:
        return _cut(repr(value), _REPR_CHARS)
    except Exception:  # noqa: BLE001
        return f"<{name}>"


def identifier(value: object) -> str | None:
    """An id as its text; None for what the receiver would not take: nothing, white space, over-long text."""
    if value is None:
        return None
    text = encodable(value if type(value) is str else str(value))
    if not text.strip() or len(text.encode()) > MAX_ID_BYTES:
        return None
    return text


def attribute(value: object) -> AttributeValue:
    """Text, truth and numbers that OTLP has as they are; anything else as JSON."""
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int) and -_INT64 <= value < _INT64:
        return int(value)
    return text(value)


def tags(values: Sequence[object]) -> tuple[str, ...]:
    """The tags as texts, at most `MAX_TAGS`; one text is one tag."""
    listed = [values] if isinstance(values, str) else list(values)
    return tuple(encodable(str(tag)) for tag in listed[:MAX_TAGS])


def metadata(prefix: str, values: object) -> dict[str, AttributeValue]:
    """An attribute a key of a mapping, `prefix.KEY`, at most `MAX_METADATA`; anything else as one attribute."""
    if not isinstance(values, Mapping):
        return {prefix: attribute(values)}
    pairs = list(values.items())[:MAX_METADATA]
    return {f"{prefix}.{encodable(str(key))}": attribute(value) for key, value in pairs}


def write(span: Span, key: str, value: Any, limit: int = MAX_CHARS, instead: Redact | None = None) -> None:
    """Writes an input or output as `set_hook`'s hook, or the one of the call `instead` of it, lets it be seen."""
    if instead is not None:
        span.set_attribute(key, text(value, limit, instead))
        return
    global _out_of_reach  # noqa: PLW0603
    held = getattr(span, "_attributes", None)
    if type(held) is BoundedAttributes:
        _written[id(held)] = held
    else:  # another SDK's span, or another version's
        _out_of_reach = True
    while True:
        hook = _hook
        span.set_attribute(key, text(value, limit, hook))
        if hook is _hook:  # else another thread has set one meanwhile, and may have looked before this was written
            return


def set_hook(hook: Redact | None) -> None:
    """Sets what sees every input and output from now on, and lets it see those that were not exported yet.

    These it sees as they were written: text, or what JSON says of other values.
    """
    global _hook  # noqa: PLW0603 - one for the process
    _hook = hook
    if hook is None:
        return
    if _out_of_reach:
        logger.warning("redact has no effect on the spans that were recorded before it was given")
    for held in [ref() for ref in _written.valuerefs()]:
        if held is not None:
            # past `BoundedAttributes`' own methods: the spans have ended, and so take no more attributes
            for key in _CONTENTS:
                if isinstance(before := held._dict.get(key), str):
                    after = text(_decoded(before), redact=hook)[: held.max_value_len]
                    with held._lock:
                        if held._dict.get(key) is before:
                            held._dict[key] = after


def _decoded(text: str) -> Any:
    if text.startswith(("{", "[")):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
