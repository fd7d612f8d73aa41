# SPDX-License-Identifier: Apache-2.0
"""What was said in a session, turn by turn: as Markdown, and as the messages of a chat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from otel_sessions.genai.json_text import question
from otel_sessions.genai.messages import Message, call_text, message, text_part, words
from otel_sessions.genai.transcript import as_chat
from otel_sessions.queries import shapes
from otel_sessions.queries.rows import Row


def heading(session_id: str) -> str:
    """The first lines of a transcript in Markdown."""
    return f"# Session {_plain(session_id)}\n"


def markdown(turn: Row, number: int, spoken: Sequence[Message], preview: int | None = None) -> str:
    """A turn, of the members that `/turns` gives, as a section: the messages that were new in it, else its previews.

    Below a text that is cut to `preview` characters stands how many it has.
    """
    user = f" · {_plain(turn['user_id'])}" if turn.get("user_id") else ""
    seconds = turn["duration_ns"] / 1e9
    count = turn.get("error_count")
    errors = f" · {count} error{'' if count == 1 else 's'}" if count else ""
    text = f"\n## {number}. {_plain(turn['name']) or 'Turn'}\n\n{turn['start_time']} · {seconds:.3g} s{user}{errors}\n"
    for each in _said(turn, spoken):
        calls = [call_text(part) for part in each["parts"] if part["type"] == "tool_call"]
        said = words(each)
        lines = [said, *(call for call in calls if call not in said)]
        if any(lines):
            text += (
                f"\n**{_plain(each['role']).capitalize()}**\n\n{_block(chr(10).join(filter(None, lines)), preview)}\n"
            )
    # of the steps that say the same the innermost, and how many there are: together they are the errors of the head
    failed: dict[str, list[str]] = {}
    for step in turn.get("steps", ()):
        if step["status"] == "error":
            failed.setdefault(step["error"], []).append(step["name"] or step["kind"])
    for error, steps in failed.items():
        times = f" (in {len(steps)} steps)" if len(steps) > 1 else ""
        text += f"\n**Error** in {_plain(steps[-1])}{times}\n\n{_block(error, preview)}\n"
    return text


def end(turns: int) -> str:
    """The last line of a transcript: whoever does not find it has not all."""
    return f"\n---\n\nEnd of the session: {turns} turns.\n"


def messages(turn: Row, spoken: Sequence[Message], preview: int | None = None) -> Iterator[Row]:
    """What a turn adds to a chat; a text that is cut to `preview` characters has its full length beside it."""
    for each in _said(turn, spoken):
        for chat in as_chat(each):
            shown = shapes.cut(chat, preview)
            for call in shown.get("tool_calls", ()):
                call["function"] = shapes.cut(call["function"], preview)
            yield shown


def _said(turn: Row, spoken: Sequence[Message]) -> Sequence[Message]:
    if spoken:
        return spoken
    sides = (("user", question(turn["input"])), ("assistant", turn["output"]))
    return [message(role, text_part(text)) for role, text in sides if text]


def _plain(text: str) -> str:
    """One line without meaning in Markdown, and without characters that reorder or hide what stands beside it."""
    line = "".join(char for char in " ".join(text.split()) if char.isprintable())
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", line)


def _block(text: str, preview: int | None) -> str:
    """What was said, word by word: whatever it holds stays inside its fence."""
    if preview is not None and len(text) > preview:
        return f"{_block(text[:preview], None)}\n\n… {len(text)} characters"
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"
