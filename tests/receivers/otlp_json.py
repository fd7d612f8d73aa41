"""OTLP/JSON of a protobuf message, in one of the many ways that senders may write it."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from random import Random
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

IDS = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}
TEXT = {"name", "key", "message", "version"}
TEXT |= {"stringValue", "string_value", "traceState", "trace_state", "schemaUrl", "schema_url"}
JUNK: list[Any] = [None, 1, "text", [], {}, [[{"traceId": 5}]], {"name": [1, {}]}]


def plain(message: Message) -> bytes:
    """As the SDKs write it."""
    return json.dumps(_with_hex_ids(json_format.MessageToDict(message))).encode()


def varied(message: Message, rnd: Random) -> bytes:
    """In a way of its own: names in both cases, numbers as text, enums by name, keys that nobody knows."""
    tree = json_format.MessageToDict(
        message,
        preserving_proto_field_name=rnd.random() < 0.5,
        use_integers_for_enums=rnd.random() < 0.5,
        always_print_fields_with_no_presence=rnd.random() < 0.5,
    )
    return json.dumps(_varied(_with_hex_ids(tree), rnd), ensure_ascii=rnd.random() < 0.5).encode()


def _with_hex_ids(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_with_hex_ids(item) for item in tree]
    if isinstance(tree, dict):
        return {
            key: b64decode(value).hex() if key in IDS and isinstance(value, str) else _with_hex_ids(value)
            for key, value in tree.items()
        }
    return tree


def _varied(tree: Any, rnd: Random, key: str = "") -> Any:
    if isinstance(tree, dict):
        items = [(name, _varied(value, rnd, name)) for name, value in tree.items()]
        items += [(f"new{number}", rnd.choice(JUNK)) for number in range(rnd.randrange(3))]
        rnd.shuffle(items)
        return dict(items)
    if isinstance(tree, list):
        return [_varied(item, rnd, key) for item in tree]
    if isinstance(tree, str) and key not in TEXT:
        return _other_text(tree, key, rnd)
    return tree


def _other_text(value: str, key: str, rnd: Random) -> Any:
    if key in IDS:
        return value.upper() if rnd.random() < 0.5 else value
    if key in {"bytesValue", "bytes_value"} and rnd.random() < 0.5:
        return urlsafe_b64encode(b64decode(value)).decode().rstrip("=")
    if value.lstrip("-").isdecimal() and rnd.random() < 0.5:
        return int(value)
    return value
