# SPDX-License-Identifier: Apache-2.0
"""The columns of content: the beginning of what went in and came out, of a step and of its trace.

Of chat messages it is what the user, or the model, said last. They stand in one attribute as JSON, flattened into
attributes that count them (`flattened.py`), or in span events.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.config import GenAiConfig
from otel_sessions.genai.flattened import Families, Pieces, is_family, last_said
from otel_sessions.genai.messages import MODEL, USER, is_message, message, one, plain_words, read, words
from otel_sessions.genai.parts import part
from otel_sessions.genai.texts import replace_distinct, says_something, unwrap
from otel_sessions.genai.wrapped import NOT_JSON, encodable, parse_json
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import Entries, Indices, KeySet, Mask, Named, empty_text, take_text

_MAX_SCANNED_BYTES: Final = 2 * 2**20
_MAX_STEPS: Final = 1000
_ROLE: Final = '"role"'
_ROLE_VALUE: Final = re.compile(r'"role"\s*:\s*"([a-zA-Z]{1,20})"')
_MESSAGE: Final = re.compile(
    r'"type"\s*:\s*"(human|ai|constructor|function_call|tool_use|image|image_url|text|input_text|output_text)"'
)
_BARE: Final = re.compile(r'"(?:prompt|input)"\s*:\s*"|"toolCallId"|"functionCall"|"toolUse"|"generations"')
_TYPED: Final = re.compile(r'\s*\{\s*"type"\s*:\s*"(?:text|raw|json)"\s*,\s*"value"\s*:')
"""A value beside its type, as LangWatch writes all of them and the Vercel AI SDK what tools return."""
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class _Column:
    """A column, the keys it comes from, whose words are wanted, and the events where no key has any."""

    name: str
    keys: Sequence[str]
    roles: frozenset[str]
    events: Sequence[str] = ()

    def read(self, texts: pa.StringArray) -> pa.StringArray:
        return message_texts(texts, self.roles)


class Content:
    """`Input`, `Output`, `TraceInput`, `TraceOutput`: the first key that says something wins, attributes before
    events."""

    def __init__(self, config: GenAiConfig) -> None:
        self._config = config
        self._columns: Final = (
            _Column("Input", config.input_keys, USER, config.input_events),
            _Column("Output", config.output_keys, MODEL, config.output_events),
            _Column("TraceInput", config.trace_input_keys, USER),
            _Column("TraceOutput", config.trace_output_keys, MODEL),
        )
        listed = [key for column in self._columns for key in column.keys]
        self.keys = [key for key in listed if not is_family(key)]
        self._families = Families(key for key in listed if is_family(key))
        self._events = Events([*config.input_events, *config.output_events])

    def columns(self, batch: SpanBatch, attributes: Named, entries: Entries) -> dict[str, pa.Array]:
        """Those for which any span has something."""
        families, events = self._families.pieces(attributes), self._events.found(batch)
        found = {}
        for column in self._columns:
            texts = self._attributes(column, entries, families)
            if events is not None and column.events:
                texts = self._with_events(texts, column, events)
            if texts is not None:
                found[column.name] = pc.utf8_slice_codeunits(texts, 0, self._config.max_preview_chars)
        return found

    def _with_events(self, texts: pa.StringArray | None, column: _Column, events: FoundEvents) -> pa.StringArray:
        texts = empty_text(events.length) if texts is None else texts
        missing = pc.equal(texts, "").to_numpy(zero_copy_only=False)
        for source in column.events:
            if not missing.any():
                break
            said = preview(events.last(source, missing, column.roles), column.roles, self._config.max_preview_chars)
            texts = pc.if_else(pa.array(missing), said, texts)
            missing &= pc.equal(texts, "").to_numpy(zero_copy_only=False)
        return texts

    def _attributes(self, column: _Column, entries: Entries, families: Mapping[str, Pieces]) -> pa.StringArray | None:
        """What each row says by the order of the keys, None if no row has any of them.

        Where the first key says nothing, an empty list or a message without words, the next one is asked.
        """
        keys = [key for key in column.keys if entries.has(key) or key in families]
        if not keys:
            return None
        texts, missing = empty_text(entries.length), np.ones(entries.length, np.bool_)
        plain = [key for key in keys if key not in families]
        while keys and missing.any():
            # All plain keys up to the next family at once: most rows have one of them, and it says something.
            until = next((place for place, key in enumerate(keys) if key in families), len(keys))
            if until:
                texts, missing = self._plain(column, entries, keys[:until], texts, missing)
            if until < len(keys) and missing.any():
                rows, found = last_said(families[keys[until]], column.roles, missing, column.read)
                texts = pc.replace_with_mask(texts, pa.array(rows), preview(found, column.roles, self._most))
                missing &= ~rows
            keys = keys[until + 1 :]
        return texts if plain or not missing.all() else None

    @property
    def _most(self) -> int:
        return self._config.max_preview_chars

    def _plain(
        self, column: _Column, entries: Entries, keys: Sequence[str], texts: pa.StringArray, missing: Mask
    ) -> tuple[pa.StringArray, Mask]:
        """The texts with what the first of the keys says that says something, in the rows where it is missing."""
        usable = np.ones(len(entries.codes), np.bool_)
        usable[~missing[entries.rows]] = False
        encoded = self._config.json_encoded_prefixes
        while missing.any():
            chosen = entries.first(keys, usable)
            rows = np.flatnonzero(chosen >= 0)
            if not len(rows):
                break
            picked = chosen[rows]
            found = unwrap(entries.text(picked), entries.keys.beginning(encoded)[entries.codes[picked]])
            something = says_something(found)
            found = pc.if_else(pa.array(something), preview(found, column.roles, self._most), "")
            said = pc.binary_length(found).to_numpy() > 0
            taken = np.zeros(entries.length, np.bool_)
            taken[rows[said]] = True
            texts = pc.replace_with_mask(texts, pa.array(taken), found.filter(pa.array(said)))
            missing = missing & ~taken
            usable[picked] = False
            usable[~missing[entries.rows]] = False
        return texts, missing


class Events:
    """Reads sources as `EVENT#KEY`: the attribute `KEY` of events called `EVENT`."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._names = pa.array(dict.fromkeys(source.partition("#")[0] for source in sources), pa.string())
        self._keys = KeySet(source.partition("#")[2] for source in sources)

    def found(self, batch: SpanBatch) -> FoundEvents | None:
        """The events of these names in the batch; None without any."""
        names = batch["Events.Name"].flatten()
        if not len(names) or not pc.any(pc.is_in(names, value_set=self._names)).as_py():
            return None
        rows = pc.list_parent_indices(batch["Events.Name"]).to_numpy()
        return FoundEvents(len(batch), names, rows, self._keys.entries(batch["Events.Attributes"].flatten()))


class FoundEvents:
    """The events of a batch, one after the other, with the row of each."""

    def __init__(self, length: int, names: pa.StringArray, rows: Indices, entries: Entries) -> None:
        self.length = length
        self._names = names
        self._rows = rows
        self._entries = entries

    def last(self, source: str, wanted: Mask, roles: frozenset[str]) -> pa.StringArray:
        """What each wanted row holds under the source, in its last event that says something; else empty."""
        name, _, key = source.partition("#")
        part = self._entries.of(key)
        events = self._entries.rows[part]
        usable = pc.equal(self._names, name).to_numpy(zero_copy_only=False)[events] & wanted[self._rows[events]]
        events, values = events[usable], self._entries.places[part][usable]
        texts = empty_text(self.length)
        for _ in range(_MAX_STEPS):
            if not len(events):
                break
            place = np.full(self.length, -1, np.int64)
            place[self._rows[events]] = np.arange(len(events))
            rows = np.flatnonzero(place >= 0)
            said = message_texts(take_text(self._entries.values, values[place[rows]]), roles)
            full = pc.binary_length(said).to_numpy() > 0
            done = np.zeros(self.length, np.bool_)
            done[rows[full]] = True
            texts = pc.replace_with_mask(texts, pa.array(done), said.filter(pa.array(full)))
            kept = ~done[self._rows[events]]
            kept[place[rows]] = False
            events, values = events[kept], values[kept]
        return texts


def preview(texts: pa.StringArray, roles: frozenset[str], chars: int) -> pa.StringArray:
    """The first `chars` characters of each text; of chat messages, those of the last one that has one of the roles."""
    has_brace = pc.or_(pc.starts_with(texts, "["), pc.starts_with(texts, "{"))
    if pc.any(has_brace).as_py():
        short = pc.less_equal(pc.binary_length(texts), _MAX_SCANNED_BYTES)
        among = pc.and_(has_brace, short).to_numpy(zero_copy_only=False)
        texts = replace_distinct(texts, among, lambda text: said(text, roles)[:chars])
    return pc.utf8_slice_codeunits(texts, 0, chars)


def message_texts(texts: pa.StringArray, roles: frozenset[str]) -> pa.StringArray:
    """What messages of one of the roles say of which each text is one, plain or in JSON; a list of messages stays."""
    single = pc.or_(pc.starts_with(texts, "{"), pc.starts_with(texts, "["))
    if not pc.any(single).as_py():
        return texts
    several = pc.and_(pc.starts_with(texts, "["), pc.match_substring(texts, _ROLE))
    among = pc.and_not(single, several).to_numpy(zero_copy_only=False)
    return replace_distinct(texts, among, lambda text: message_text(text, roles))


def message_text(text: str, roles: frozenset[str]) -> str:
    """What a message says that stands alone as JSON, nothing if only a tool returned something; other text as it is."""
    value = parse_json(text)
    if isinstance(value, dict) and isinstance(value.get("message"), dict):
        value = value["message"]
    if isinstance(value, dict) and not is_message(value) and ("content" in value or "tool_calls" in value):
        value = {"role": min(roles), **value}
    if is_message(value):
        found = one(value)
    elif isinstance(value, list) and any(part(item)["type"] != "other" for item in value if item != ""):
        found = message("", *(part(item) for item in value))
    else:
        return text
    only_returned = bool(found["parts"]) and all(each["type"] == "tool_result" for each in found["parts"])
    spoken = "" if only_returned and roles is USER else words(found)
    return encodable(spoken) if spoken or only_returned else text


def said(text: str, roles: frozenset[str]) -> str:
    """What the last message with one of the roles says, else the last one that says anything; nothing where messages
    say nothing at all. The text itself where it is no messages."""
    if _TYPED.match(text):
        # the value of an object that has it beside its type and nothing else
        typed = parse_json(text)
        if isinstance(typed, dict) and typed.keys() == {"type", "value"}:
            held = typed["value"]
            text = encodable(held if isinstance(held, str) else json.dumps(held, ensure_ascii=False))
    if not (_ROLE in text or _MESSAGE.search(text) or _BARE.search(text)):
        return text
    found = _from_the_end(text, roles)
    value = NOT_JSON if found else parse_json(text)
    if isinstance(value, dict | list):
        spoken = read(value, min(roles))
        in_order = [
            *(each for each in spoken if each["role"] not in roles),
            *[each for each in spoken if each["role"] in roles],
        ]
        found = next(filter(None, map(words, reversed(in_order))), "")
        if not found and spoken and not any(each["parts"] for each in spoken):
            return ""
    return encodable(found) if found else text


def _from_the_end(text: str, roles: frozenset[str]) -> str:
    """Reads backwards, message by message, those that begin with their role: most do, and long lists stay cheap.

    Within a JSON string a quote is escaped, so what looks like the beginning of a message is one.
    """
    end = len(text)
    for _ in range(_MAX_STEPS):
        end = text.rfind(_ROLE, 0, end)
        if end < 0:
            return ""
        named = _ROLE_VALUE.match(text, end)
        brace = len(text[max(0, end - 20) : end].rstrip()) + max(0, end - 20) - 1
        if named and named[1].lower() in roles and text[brace] == "{" and (found := _message_at(text, brace)):
            return found
    return ""


def _message_at(text: str, brace: int) -> str:
    """What the message says that begins there; nothing where only tools returned something."""
    try:
        value, _ = _DECODER.raw_decode(text, brace)
    except (ValueError, RecursionError):
        return ""
    if plain := plain_words(value):
        return plain
    found = one(value) if is_message(value) else None
    return words(found) if found is not None and found["role"] != "tool" else ""
