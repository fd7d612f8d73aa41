"""Text as clients wrap it: JSON-encoded strings. Parsed once per distinct value."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.pdata.attributes import Entries, Indices, Mask

MAX_JSON_BYTES: Final = 100 * 1024
"""Longer text is never parsed as a whole."""
NOT_JSON: Final = object()


def parse_json(text: str, **options: Any) -> Any:
    """The value of a JSON text, `NOT_JSON` where it is none or over `MAX_JSON_BYTES` characters."""
    if len(text) > MAX_JSON_BYTES:
        return NOT_JSON
    try:
        return json.loads(text, **options)
    except (ValueError, RecursionError):
        return NOT_JSON


def unwrap(texts: pa.StringArray, among: Mask) -> pa.StringArray:
    """The texts with those `among` them that are a JSON string decoded, and those that are a JSON null emptied."""
    if not among.any():
        return texts
    wrapped = pc.or_(pc.and_(pc.starts_with(texts, '"'), pc.ends_with(texts, '"')), pc.equal(texts, "null"))
    return replace_distinct(texts, among & wrapped.to_numpy(zero_copy_only=False), _unwrapped)


def unwrapped(entries: Entries, chosen: Indices, json_encoded: tuple[str, ...]) -> pa.StringArray:
    """The text of the chosen entries, -1 for none, decoded where its key begins like one that may be JSON-encoded."""
    texts = entries.text(chosen)
    encoded = entries.keys.beginning(json_encoded)
    if not any(encoded[entries.keys.codes[key]] for key in entries.parts):
        return texts
    return unwrap(texts, (chosen >= 0) & encoded[entries.codes[chosen]])


def replace_distinct(texts: pa.StringArray, among: Mask, change: Callable[[str], str]) -> pa.StringArray:
    """The texts with `change` applied to those `among` them, once per distinct text."""
    if not among.any():
        return texts
    mask = pa.array(among)
    distinct = texts.filter(mask).dictionary_encode()
    changed = pa.array([change(text) for text in distinct.dictionary.to_pylist()], pa.string())
    return pc.replace_with_mask(texts, mask, changed.take(distinct.indices))


def _unwrapped(text: str) -> str:
    value = parse_json(text)
    if value is None:
        return ""
    return encodable(value) if isinstance(value, str) else text


def encodable(text: str) -> str:
    r"""The text with lone surrogates, which JSON can spell as "\ud800" and UTF-8 cannot, as U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
