"""Lists of tags: a JSON array, or comma separated. Parsed once per distinct text."""

from __future__ import annotations

import json

import pyarrow as pa

from otel_sessions.genai.texts import MAX_JSON_BYTES, NOT_JSON, encodable, parse_json


def tag_lists(texts: pa.StringArray, limit: int) -> pa.ListArray:
    """The tags in each text: a JSON array, or comma separated; distinct, in order, `limit` at most."""
    distinct = texts.dictionary_encode()
    lists = [_tags(text, limit) for text in distinct.dictionary.to_pylist()]
    return pa.array(lists, pa.list_(pa.string())).take(distinct.indices)


def _tags(text: str, limit: int) -> list[str]:
    value = parse_json(text) if text.lstrip()[:1] in ("[", '"') else NOT_JSON
    if isinstance(value, list):
        tags = [_scalar(item) for item in value]
    elif isinstance(value, str):
        tags = [value]
    else:
        tags = text[:MAX_JSON_BYTES].split(",")
    return list(dict.fromkeys(tag for tag in map(str.strip, map(encodable, tags)) if tag))[:limit]


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
