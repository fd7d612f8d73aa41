# SPDX-License-Identifier: Apache-2.0
"""Attribute values as text: what the OpenTelemetry Collector's `pcommon.Value.AsString` gives for an `AnyValue`.

So a row written here and one written by the Collector's ClickHouse exporter hold the same text. It differs in one
point: a double that is no number is `NaN`, `+Inf` or `-Inf`, and that text as a string inside JSON, where the Collector
writes an error message into the column or loses the whole array or map.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from math import isfinite, isnan
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

_SCALARS: Final = frozenset({"string_value", "int_value", "double_value", "bool_value"})
_quote: Final = json.JSONEncoder(ensure_ascii=False).encode
# Go's json.Marshal escapes these so that JSON can stand inside HTML: https://pkg.go.dev/encoding/json#Marshal
_HTML: Final = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def as_text(value: AnyValue) -> str:
    """The value as text: strings as they are, bytes as base64, arrays and maps as JSON, an empty value as ''."""
    kind = value.WhichOneof("value")
    return _TEXT[kind](value) if kind in _TEXT else ""


def is_composite(value: AnyValue) -> bool:
    """Whether the value is an array, a map, bytes or empty, and so its text is never an id."""
    return value.WhichOneof("value") not in _SCALARS


def double_as_text(number: float) -> str:
    """The shortest decimal that reads back as `number`; an exponent only below 1e-6 and from 1e21 on."""
    if not isfinite(number):
        return "NaN" if isnan(number) else "+Inf" if number > 0 else "-Inf"
    digits = repr(number).removesuffix(".0")
    if "e" not in digits:
        return digits
    if number and (abs(number) < 1e-6 or abs(number) >= 1e21):
        return digits.replace("e-0", "e-")
    return format(Decimal(digits), "f")


def _json(value: AnyValue) -> str:
    """The value as compact JSON. Recursion is as deep as the value, which its parser bounds."""
    kind = value.WhichOneof("value")
    if kind not in _TEXT:
        return "null"
    text = _TEXT[kind](value)
    is_text = kind in {"string_value", "bytes_value"} or (kind == "double_value" and not isfinite(value.double_value))
    return _json_string(text) if is_text else text


def _json_map(pairs: Iterable[KeyValue]) -> str:
    """Keys in the order of their UTF-8 bytes, which is that of code points; the last of a repeated key counts."""
    last = {pair.key: pair.value for pair in pairs}
    return f"{{{','.join(f'{_json_string(key)}:{_json(last[key])}' for key in sorted(last))}}}"


def _json_string(text: str) -> str:
    return _quote(text).translate(_HTML)


_TEXT: Final[Mapping[str | None, Callable[[AnyValue], str]]] = {
    "string_value": lambda value: value.string_value,
    "int_value": lambda value: str(value.int_value),
    "double_value": lambda value: double_as_text(value.double_value),
    "bool_value": lambda value: "true" if value.bool_value else "false",
    "bytes_value": lambda value: b64encode(value.bytes_value).decode("ascii"),
    "array_value": lambda value: f"[{','.join(map(_json, value.array_value.values))}]",
    "kvlist_value": lambda value: _json_map(value.kvlist_value.values),
}
"""Members of the oneof `AnyValue.value`; any other, those of the profiling signal, counts as an empty value."""
