"""What was said in a session, turn by turn: as Markdown, and as the messages of a chat."""

from __future__ import annotations

import re
from collections.abc import Iterator

from otel_sessions.queries.rows import Row


def heading(session_id: str) -> str:
    """The first lines of a transcript in Markdown."""
    return f"# Session {_plain(session_id)}\n"


def markdown(turn: Row, number: int) -> str:
    """A turn, of the members that `shapes.turn` gives, as a section."""
    user = f" · {_plain(turn['user_id'])}" if turn.get("user_id") else ""
    seconds = turn["duration_ns"] / 1e9
    errors = f" · {turn['error_count']} errors" if turn.get("error_count") else ""
    text = f"\n## {number}. {_plain(turn['name']) or 'Turn'}\n\n{turn['start_time']} · {seconds:.3g} s{user}{errors}\n"
    for who, said in (("User", turn.get("input")), ("Assistant", turn.get("output"))):
        if said:
            text += f"\n**{who}**\n\n{_block(said)}\n"
    return text


def end(turns: int) -> str:
    """The last line of a transcript: whoever does not find it has not all."""
    return f"\n---\n\nEnd of the session: {turns} turns.\n"


def messages(turn: Row) -> Iterator[Row]:
    """What a turn, in the columns of `session_traces`, adds to a chat."""
    if turn["Input"]:
        yield {"role": "user", "content": turn["Input"]}
    if turn["Output"]:
        yield {"role": "assistant", "content": turn["Output"]}


def _plain(text: str) -> str:
    """One line without meaning in Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", " ".join(text.split()))


def _block(text: str) -> str:
    """What was said, word by word: whatever it holds stays inside its fence."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"
