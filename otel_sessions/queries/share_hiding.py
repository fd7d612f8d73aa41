# SPDX-License-Identifier: Apache-2.0
"""What a link to a session does not show: taken out of what everybody else reads, wherever the link leads.

What people and models wrote is not searched for names: a user id within a message stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from otel_sessions.queries.rows import Row
from otel_sessions.semconv import sessions

Part = Literal["user_ids", "metadata"]
Role = Literal["system", "user", "assistant", "tool"]

_ROLES: Final[Mapping[str, Role]] = {"developer": "system", "function": "tool", "human": "user", "ai": "assistant"}
_ADDED: Final[Mapping[str, Any]] = {"labels": [], "scores": [], "bookmarked": False, "share": None}
"""What operators add to a session for themselves, as one without any of it has it."""
_NOBODY: Final[Mapping[str, Any]] = {"user_ids": [], "user_id": ""}
_ATTRIBUTES: Final = ("span_attributes", "resource_attributes", "scope_attributes", "metadata")
_INPUTS: Final = ("input", "trace_input")
_OUTPUTS: Final = ("output", "trace_output")
_OF_A_USER: Final = re.compile(r"(?:^|[._#-])(?:end)?user(?![a-z])|(?<=[a-z])User(?![a-z])")
_USER_KEYS: Final = frozenset(sessions.USER_KEYS)
_TOOL_PARTS: Final = ("tool_call", "tool_result")


@dataclass(frozen=True, slots=True)
class Hidden:
    """`parts` of a session and the messages of `roles`; shapes of REST go in and come out, less what is hidden.

    Attributes of spans are where all of it comes from. So they are hidden whole with metadata or with any role; with
    user ids only those that are about a user, by their keys or by what they say. The input and output of a turn may be
    what a tool was given and gave, where it began or ended with one. Of a `published` session nothing shows
    that operators added for themselves.
    """

    parts: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    published: bool = False

    def session(self, shown: Row) -> Row:
        """A session, a turn of `/traces` or of the replay: ids, metadata, and the texts that a role said."""
        known = [*shown.get("user_ids", ()), shown.get("user_id", "")]
        if self.published:
            shown = {**shown, **{name: empty for name, empty in _ADDED.items() if name in shown}}
        if "user_ids" in self.parts:
            shown = {**shown, **{name: empty for name, empty in _NOBODY.items() if name in shown}}
            if "metadata" in shown:
                shown["metadata"] = _without_users(shown["metadata"], known)
        if "metadata" in self.parts and "metadata" in shown:
            shown = {**shown, "metadata": {}}
        shown = _emptied(shown, _INPUTS) if self.roles & {"user", "tool"} else shown
        return _emptied(shown, _OUTPUTS) if self.roles & {"assistant", "tool"} else shown

    def span(self, shown: Row) -> Row:
        """A span as `/spans` and the page of one have it."""
        known = [shown.get("user_id", "")]
        shown = self.session(shown)
        if self.roles:
            shown = _emptied(shown, (*_INPUTS, *_OUTPUTS))
        if self.roles or "metadata" in self.parts:
            return _mapped(shown, lambda _: {})
        return _mapped(shown, lambda each: _without_users(each, known)) if "user_ids" in self.parts else shown

    def replay(self, page: Row) -> Row:
        """A page of the replay. A message that is hidden keeps its place and its role, and has no parts."""
        shown = {**page, "turns": [self.session(turn) for turn in page["turns"]]}
        if self.roles:
            shown["messages"] = [self._message(message) for message in page["messages"]]
        if self.roles & {"system", "tool"}:
            shown["tools"] = [{**_emptied(tool, ("description",)), "parameters": {}} for tool in page["tools"]]
        return shown

    def _message(self, message: Row) -> Row:
        parts = message["parts"]
        if _ROLES.get(message["role"], message["role"]) in self.roles:
            parts = []
        elif "tool" in self.roles:
            parts = [part for part in parts if part["type"] not in _TOOL_PARTS]
        return message if parts is message["parts"] else {**message, "parts": parts, "hidden": True}


NOTHING: Final = Hidden()


def _emptied(shown: Row, names: Iterable[str]) -> Row:
    """Without what these texts say, and without how long they were."""
    lengths = {f"{name}_length" for name in names}
    return {key: "" if key in names else value for key, value in shown.items() if key not in lengths}


def _mapped(shown: Row, change: Callable[[Mapping[str, str]], dict[str, str]]) -> Row:
    """With other attributes: its own, those of its resource and scope, of its events and links."""
    changed = {
        name: value for name, value in shown.items() if not name.endswith(("attributes_length", "metadata_length"))
    }
    for name in _ATTRIBUTES:
        if name in shown:
            changed[name] = change(shown[name])
    for name in ("events", "links"):
        if name in shown:
            changed[name] = [{**each, "attributes": change(each["attributes"])} for each in shown[name]]
    return changed


def _without_users(values: Mapping[str, str], known: Iterable[str]) -> dict[str, str]:
    """Attributes that are not about a user by their keys, with the known ids out of those that have one as a value."""
    kept = {key: value for key, value in values.items() if key not in _USER_KEYS and not _OF_A_USER.search(key)}
    for id_ in filter(None, known):
        kept = {key: "" if value == id_ else value.replace(f'"{id_}"', '""') for key, value in kept.items()}
    return kept
