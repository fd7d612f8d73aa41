"""Finds where the statement of an INSERT ends and its data begin, as ClickHouse does: behind VALUES or FORMAT name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WORD = re.compile(
    rb"""(?:\s|--[^\n]*\n|\#[ !][^\n]*\n|/\*.*?\*/)*
         (?P<word>'(?:[^'\\]|\\.|'')*' | `(?:[^`\\]|\\.)*` | "(?:[^"\\]|\\.)*" | [A-Za-z_][A-Za-z0-9_]* | \S)""",
    re.VERBOSE | re.DOTALL,
)
_LINE_END = re.compile(rb"[ \t\f]*(\r?\n)?")


@dataclass(frozen=True, slots=True)
class Insert:
    """`head` ends with the format's name, `data` is in that format."""

    head: str
    format: str
    data: bytes


def split(statement: bytes) -> Insert | None:
    """None where the statement is no INSERT, or brings no data: INSERT ... SELECT, or FROM INFILE."""
    words = _words(statement)
    if next(words, (b"", 0))[0].upper() != b"INSERT":
        return None
    depth = 0
    in_target = True
    previous = b""
    for word, end in words:
        depth += (word == b"(") - (word == b")")
        keyword = b"" if depth or in_target or previous == b"." else word.upper()
        if previous == b"FORMAT" and not depth:
            return _insert(statement, end, word.decode("ascii", "replace"))
        if keyword == b"VALUES":
            return _insert(statement, end, "Values")
        if keyword in (b"SELECT", b"WITH", b"INFILE"):
            return None
        in_target = in_target and word.upper() in (b"INTO", b"TABLE", b"FUNCTION")
        previous = b"." if word == b"." else keyword
    return None


def _words(statement: bytes) -> Iterator[tuple[bytes, int]]:
    """Each word and where it ends, as far as they are asked for."""
    position = 0
    while (match := _WORD.match(statement, position)) is not None:
        position = match.end()
        yield match["word"], position


def _insert(statement: bytes, end: int, name: str) -> Insert:
    line_end = _LINE_END.match(statement, end)
    start = line_end.end() if line_end else end
    return Insert(statement[:end].decode("utf-8", "replace"), name, statement[start:])
