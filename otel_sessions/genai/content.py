# SPDX-License-Identifier: Apache-2.0
"""The columns of content: the beginning of what went in and came out, of a step and of its trace.

Of chat messages it is what the user, or the model, said last. They stand in one attribute as JSON, in span events, or
flattened into attributes that count them: `gen_ai.prompt.0.role`, `gen_ai.prompt.0.content`, `gen_ai.prompt.1.role` and
so on are the family `gen_ai.prompt.N.*`. What is understood below the number is in `_MEMBERS`, with what OpenLLMetry
and OpenInference write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from otel_sessions.genai.attributes import replace_distinct, says_something, unwrap
from otel_sessions.genai.config import GenAiConfig
from otel_sessions.genai.json_text import ROLE_MEMBER, message_text, said
from otel_sessions.genai.messages import MODEL, USER
from otel_sessions.pdata import SpanBatch
from otel_sessions.pdata.attributes import Entries, Indices, KeySet, Mask, Named, empty_text, take_text

_MAX_SCANNED_BYTES: Final = 2 * 2**20
_MAX_STEPS: Final = 1000
_SUFFIX: Final = ".N.*"
ROLE, TEXT, MEDIA, TOOL_NAME, TOOL_ARGUMENTS, RESULT = range(6)

_NUMBER: Final = r"(\d{1,6})"
_MEMBERS: Final = (
    (ROLE, re.compile(r"(?:message\.)?role")),
    (TEXT, re.compile(r"(?:message\.)?content")),
    (TEXT, re.compile(rf"(?:message\.)?contents\.{_NUMBER}\.message_content\.text")),
    (MEDIA, re.compile(rf"(?:message\.)?contents\.{_NUMBER}\.message_content\.image\.image\.url")),
    (TOOL_NAME, re.compile(rf"(?:message\.)?tool_calls\.{_NUMBER}\.(?:tool_call\.)?(?:function\.)?name")),
    (TOOL_ARGUMENTS, re.compile(rf"(?:message\.)?tool_calls\.{_NUMBER}\.(?:tool_call\.)?(?:function\.)?arguments")),
    (TOOL_NAME, re.compile(r"(?:message\.)?function_call_name")),
    (TOOL_ARGUMENTS, re.compile(r"(?:message\.)?function_call_arguments_json")),
    (RESULT, re.compile(r"(?:message\.)?tool_call_id")),
)
_REMEMBERED: Final = 10_000
_IMAGE: Final = "[image]"


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
        self._json_encoded = config.json_encoded_prefixes
        self._most = config.max_preview_chars
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
        """The columns, by name, in which any span has something."""
        families, events = self._families.pieces(attributes), self._events.found(batch)
        found = {}
        for column in self._columns:
            texts = self._attributes(column, entries, families)
            if events is not None and column.events:
                texts = empty_text(events.length) if texts is None else texts
                missing = pc.equal(texts, "").to_numpy(zero_copy_only=False)
                for source in column.events:
                    if not missing.any():
                        break
                    last = preview(events.last(source, missing, column.roles), column.roles, self._most)
                    texts = pc.if_else(pa.array(missing), last, texts)
                    missing &= pc.equal(texts, "").to_numpy(zero_copy_only=False)
            if texts is not None:
                found[column.name] = pc.utf8_slice_codeunits(texts, 0, self._most)
        return found

    def _attributes(self, column: _Column, entries: Entries, families: Mapping[str, Pieces]) -> pa.StringArray | None:
        """The text of each row under the first of the keys that says something; None if no row has any of them.

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

    def _plain(
        self, column: _Column, entries: Entries, keys: Sequence[str], texts: pa.StringArray, missing: Mask
    ) -> tuple[pa.StringArray, Mask]:
        """The texts with what the first of the keys says that says something, in the rows where it is missing."""
        usable = np.ones(len(entries.codes), np.bool_)
        usable[~missing[entries.rows]] = False
        while missing.any():
            chosen = entries.first(keys, usable)
            rows = np.flatnonzero(chosen >= 0)
            if not len(rows):
                break
            picked = chosen[rows]
            found = unwrap(entries.text(picked), entries.keys.beginning(self._json_encoded)[entries.codes[picked]])
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
    """The words of messages of one of the roles, a text each, plain or in JSON; lists of messages stay as they are."""
    single = pc.or_(pc.starts_with(texts, "{"), pc.starts_with(texts, "["))
    if not pc.any(single).as_py():
        return texts
    several = pc.and_(pc.starts_with(texts, "["), pc.match_substring(texts, ROLE_MEMBER))
    among = pc.and_not(single, several).to_numpy(zero_copy_only=False)
    return replace_distinct(texts, among, lambda text: message_text(text, roles))


# Flattened messages


@dataclass(frozen=True, slots=True)
class Pieces:
    """The attributes of one family: what each is of which message of which row, and its text. None is empty."""

    rows: Indices
    messages: Indices
    """The number in the key."""
    kinds: Indices
    places: Indices
    """The order within the message: one after the other, the name of a tool before its arguments."""
    texts: pa.StringArray

    def filter(self, kept: Mask) -> Pieces:
        arrays = (self.rows[kept], self.messages[kept], self.kinds[kept], self.places[kept])
        return Pieces(*arrays, self.texts.filter(pa.array(kept)))


class Families:
    """Finds the families that somebody wants; every key is looked at once."""

    def __init__(self, names: Iterable[str]) -> None:
        self._prefixes = [(name, name.removesuffix(_SUFFIX) + ".") for name in names]
        self._place = lru_cache(_REMEMBERED)(self._find)

    def pieces(self, attributes: Named) -> Mapping[str, Pieces]:
        """The pieces of each family that occurs in the column, by its name."""
        members = [self._place(key) for key in attributes.names.to_pylist()]
        parsed = np.array([each[1:] for each in members], np.int64)
        found = {}
        for number, (name, _) in enumerate(self._prefixes):
            ours = np.array([each[0] == number for each in members], np.bool_)
            if ours.any():
                where = np.flatnonzero(ours[attributes.codes])
                texts = attributes.values.take(pa.array(where))
                full = pc.greater(pc.binary_length(texts), 0)
                where = where[full.to_numpy(zero_copy_only=False)]
                if len(where):
                    messages, kinds, places = parsed[attributes.codes[where]].T
                    found[name] = Pieces(attributes.rows_of(where), messages, kinds, places, texts.filter(full))
        return found

    def _find(self, key: str) -> tuple[int, int, int, int]:
        """The family of a key, and its message, kind and place; -1 for what is of none."""
        for number, (_, prefix) in enumerate(self._prefixes):
            if key.startswith(prefix):
                message, _, member = key[len(prefix) :].partition(".")
                if message.isascii() and message.isdigit() and len(message) <= 6:
                    for kind, pattern in _MEMBERS:
                        if match := pattern.fullmatch(member):
                            inner = int(match[1]) if match.groups() else 0
                            return number, int(message), kind, 2 * inner + (kind == TOOL_ARGUMENTS)
        return -1, 0, -1, 0


def is_family(key: str) -> bool:
    return key.endswith(_SUFFIX)


def last_said(
    pieces: Pieces, roles: frozenset[str], wanted: Mask, read: Callable[[pa.StringArray], pa.StringArray]
) -> tuple[Mask, pa.StringArray]:
    """The words of the last message of one of the roles, else of the last of all, for each wanted row that has any.

    A message without text shows its pictures, or says which tools it calls; one in which only a tool returned
    something, so that `read` makes nothing of it, is left out. The mask tells the rows, in whose order the texts are.
    """
    spoken = pieces.filter((pieces.kinds != ROLE) & (pieces.kinds != RESULT) & wanted[pieces.rows])
    done, texts = np.zeros(len(wanted), np.bool_), pa.array([], pa.string())
    if not len(spoken.rows):
        return done, texts
    # Roles first, then numbers: the greatest is the message.
    rank = spoken.messages + _of_roles(pieces, roles, spoken) * 10**7
    order, found = [], []
    for _ in range(_MAX_STEPS):
        best = np.full(len(wanted), -1, np.int64)
        np.maximum.at(best, spoken.rows, rank)
        chosen = spoken.filter(rank == best[spoken.rows])
        rows = np.flatnonzero(best >= 0)
        said = read(_joined(_shown(chosen, len(wanted))))
        full = pc.binary_length(said).to_numpy() > 0
        done[rows[full]] = True
        order.append(rows[full])
        found.append(said.filter(pa.array(full)))
        left = ~done[spoken.rows] & (rank != best[spoken.rows])
        spoken, rank = spoken.filter(left), rank[left]
        if not len(spoken.rows):
            break
    places = np.argsort(np.concatenate(order), kind="stable")
    return done, pa.concat_arrays(found).take(pa.array(places))


def _of_roles(pieces: Pieces, roles: frozenset[str], spoken: Pieces) -> Mask:
    """Which of the spoken pieces are of a message whose role is one of these."""
    named = pieces.filter(pieces.kinds == ROLE)
    ours = pc.is_in(pc.utf8_lower(named.texts), value_set=pa.array(sorted(roles))).to_numpy(zero_copy_only=False)
    of = _identity(named)[ours]
    wanted: Mask = np.isin(_identity(spoken), of)
    return wanted


def _identity(pieces: Pieces) -> npt.NDArray[np.int64]:
    return pieces.rows * 10**6 + pieces.messages


def _shown(pieces: Pieces, rows: int) -> Pieces:
    """The pieces that are shown of one message a row: its text; without any its pictures; without these its calls."""
    best = np.full(rows, TOOL_ARGUMENTS, np.int64)
    np.minimum.at(best, pieces.rows, pieces.kinds)
    of_row = best[pieces.rows]
    return pieces.filter((pieces.kinds == of_row) | ((of_row >= TOOL_NAME) & (pieces.kinds >= TOOL_NAME)))


def _joined(pieces: Pieces) -> pa.StringArray:
    """The pieces of each row as one text: a line each, arguments in parentheses behind the name of their tool."""
    order = np.lexsort((pieces.places, pieces.rows))
    rows, kinds = pieces.rows[order], pieces.kinds[order]
    texts = pieces.texts.take(pa.array(order))
    begins = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))
    if len(begins) == len(rows) and (kinds == TEXT).all():
        return texts
    texts = pc.if_else(pa.array(kinds == MEDIA), _IMAGE, texts)
    arguments = pa.array(kinds == TOOL_ARGUMENTS)
    texts = pc.if_else(arguments, pc.binary_join_element_wise("(", texts, ")", ""), texts)
    first = np.zeros(len(rows), np.bool_)
    first[begins] = True
    breaks = pc.if_else(pa.array(~first & (kinds != TOOL_ARGUMENTS)), "\n", "")
    texts = pc.binary_join_element_wise(breaks, texts, "")
    lists = pa.ListArray.from_arrays(pa.array(np.append(begins, len(rows)), pa.int32()), texts)
    return pc.binary_join(lists, "")
