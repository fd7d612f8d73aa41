"""The attributes that nearly all are, a key with a text or a number, written without walking their messages.

Half of the time of a request in JSON goes into its attributes. What is written in another way is left to the walker,
which takes it or says what is wrong with it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from otel_sessions.receivers.otlp.json_fields import Encode, varint

# Tags of common.proto: KeyValue.key and .value, AnyValue.string_value and .int_value.
_KEY: Final = b"\x0a"
_VALUE: Final = b"\x12"
_STRING: Final = b"\x0a"
_INT: Final = b"\x18"
_KEYS: Final = 10_000
_MAX_KEY: Final = 256
_MAX_DIGITS: Final = 18  # so many always fit an int64
_SIZES: Final = [varint(size) for size in range(4096)]


def quick(tag: bytes, walk: Encode) -> Encode:
    """Encodes a `KeyValue` with this tag before it; `walk` is the encoder for any."""

    def encode(item: Any) -> bytes:
        try:
            key, value = item["key"], item["value"]
            if len(item) != 2 or len(value) != 1:
                return walk(item)
            ((kind, given),) = value.items()
            if kind == "stringValue" and type(given) is str:
                text = given.encode()
                inner = _STRING + _size(len(text)) + text
            elif kind == "intValue" and _is_plain(given):
                inner = _INT + varint(int(given))
            else:
                return walk(item)
            body = _key(key) + _VALUE + _size(len(inner)) + inner
        except (KeyError, TypeError, AttributeError, ValueError):
            return walk(item)
        return tag + _size(len(body)) + body

    return encode


def _is_plain(number: Any) -> bool:
    """Whether it is a number, or digits, that need no further look; negative ones do."""
    if type(number) is int:
        return 0 <= number < 2**63
    return type(number) is str and len(number) <= _MAX_DIGITS and number.isascii() and number.isdigit()


def _key(key: Any) -> bytes:
    """The field `key`; ValueError unless it is text, Unicode and not long."""
    if type(key) is not str or len(key) > _MAX_KEY:
        raise ValueError
    return _known_key(key)


@lru_cache(_KEYS)
def _known_key(key: str) -> bytes:
    text = key.encode()
    return _KEY + _size(len(text)) + text


def _size(size: int) -> bytes:
    return _SIZES[size] if size < 4096 else varint(size)
