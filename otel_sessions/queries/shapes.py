# SPDX-License-Identifier: Apache-2.0
"""What everybody reads of a session and of a turn: the members of REST, gRPC, MCP and `--json`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Literal

from otel_sessions.errors import near
from otel_sessions.queries.rows import Row, as_json

Group = Literal["core", "usage", "io", "metadata", "scores"]
GROUPS: Final[tuple[Group, ...]] = ("core", "usage", "io", "metadata", "scores")
DEFAULT_GROUPS: Final = frozenset(GROUPS) - {"scores"}
_USAGE: Final = (
    "input_tokens", "output_tokens", "cached_input_tokens", "cache_creation_input_tokens", "reasoning_tokens",
    "total_tokens", "cost", "model_calls", "unpriced_calls", "tool_calls",
)  # fmt: skip
_GROUP_OF: Final[Mapping[str, str]] = {
    **dict.fromkeys(_USAGE, "usage"),
    **dict.fromkeys(("input", "output", "last_error"), "io"),
    "metadata": "metadata",
    "scores": "scores",
}
_TEXTS: Final = (
    *("input", "output", "last_error", "trace_input", "trace_output", "status_message", "error"),
    *("text", "value", "comment", "description", "content", "arguments"),
)
"""Members that are texts of any length; `value` only where it is a text."""
_LISTS: Final = ("events", "links", "scores")


class Beginning(str):
    """A text that was cut where it was read: `length` characters are what it had."""

    __slots__ = ("length",)
    length: int

    @classmethod
    def of(cls, text: str, length: int) -> Beginning:
        made = cls(text)
        made.length = length
        return made


def session(row: Row, groups: Collection[str] = DEFAULT_GROUPS, preview: int | None = None) -> Row:
    """A session in the members of these groups; `row` has the columns of the view `sessions`, and what was added."""
    shown = {name: value for name, value in as_json(row).items() if _GROUP_OF.get(name, "core") in groups}
    shown.pop("project", None)
    return cut(shown, preview)


def turn(row: Row, preview: int | None = None) -> Row:
    """A row of `session_traces`."""
    shown = as_json(row)
    shown.pop("project", None)
    return cut(shown, preview)


def cut(shown: Row, preview: int | None) -> Row:
    """Texts cut to so many characters, each with its full length beside it, as in `input_length`; None cuts nothing."""
    if preview is None:
        return shown
    cut_: dict[str, Any] = {}
    for name, value in shown.items():
        cut_[name] = value
        if name in _TEXTS and isinstance(value, str) and _length(value) > preview:
            cut_[name] = value[:preview]
            cut_[f"{name}_length"] = _length(value)
        elif name in _LISTS:
            cut_[name] = [cut(each, preview) for each in value]
        elif isinstance(value, dict) and name.endswith(("attributes", "metadata")):
            long = {key: n for key, text in value.items() if isinstance(text, str) and (n := _length(text)) > preview}
            cut_[name] = {key: text[:preview] if key in long else text for key, text in value.items()}
            if long:
                cut_[f"{name}_length"] = long
    return cut_


def _length(text: str) -> int:
    return text.length if isinstance(text, Beginning) else len(text)


def no_groups(unknown: Sequence[str]) -> str:
    """What is told who asked for groups that there are not."""
    named = ", ".join(repr(name[:100]) for name in unknown[:5])
    return f"there are no fields {named}; there are {', '.join(GROUPS)}{near(unknown[0], GROUPS)}"
