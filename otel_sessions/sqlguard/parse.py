# SPDX-License-Identifier: Apache-2.0
"""The words of one statement in ClickHouse's canonical form, as `formatQuerySingleLine` writes it, and the answer of
`EXPLAIN AST` as nodes.

The canonical form has no comments, no line breaks and one way to quote; nothing else is meant to be read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<string>'(?:[^'\\]|\\.)*')
      | (?P<quoted>`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
      | (?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
      | (?P<number>[0-9][0-9A-Za-z_]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)
      | (?P<symbol>\S)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_BEFORE_SELECT = frozenset({"UNION", "ALL", "DISTINCT", "EXCEPT", "INTERSECT"})
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CONTROLS = {"0": "\0", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is string, name, number or symbol; `text` is without quotes; `start` is where it stands in the statement.

    `quoted` marks a name that was quoted.
    """

    kind: str
    text: str
    start: int = 0
    quoted: bool = False

    @property
    def named(self) -> bool:
        return self.kind == "name"

    def is_symbol(self, text: str) -> bool:
        return self.kind == "symbol" and self.text == text

    def is_word(self, text: str) -> bool:
        """A bare word, which a canonical statement may also use for a column of that name."""
        return self.kind == "name" and not self.quoted and self.text == text


END = Token("end", "")


class UnreadableError(ValueError):
    """The statement has a quoted name with characters that no ordinary name has."""


def tokens(canonical: str) -> list[Token]:
    """The words of a statement, without their quotes and escapes.

    Raises `UnreadableError` for a quoted name with control characters: they would forge lines of `EXPLAIN AST`.
    """
    found: list[Token] = []
    for match in _TOKEN.finditer(canonical):
        kind, text = match.lastgroup or "symbol", match.group()
        if kind == "quoted":
            inner = text[1:-1]
            if any(escaped not in "`\"'\\" for escaped in _ESCAPE.findall(inner)) or not inner.isprintable():
                raise UnreadableError("a name with control characters")
            found.append(Token("name", _ESCAPE.sub(r"\1", inner), match.start(), quoted=True))
        else:
            found.append(Token(kind, unescaped(text[1:-1]) if kind == "string" else text, match.start()))
    return found


def unescaped(text: str) -> str:
    """The text that ClickHouse has escaped, in a literal or in TabSeparated."""
    return _ESCAPE.sub(lambda match: _CONTROLS.get(match[1], match[1]), text)


def quoted(text: str) -> str:
    """The text as a literal, in quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def at(words: Sequence[Token], index: int) -> Token:
    """The token at an index, or `END` outside of the words."""
    return words[index] if 0 <= index < len(words) else END


def calls(words: Sequence[Token]) -> Iterator[str]:
    """Names that an opening parenthesis follows: functions, table functions, and some that are neither.

    Not those of a table whose columns follow: `WITH name (a, b) AS (...)`, `FROM t AS name (a, b)`.
    """
    for index, word in enumerate(words):
        if word.named and at(words, index + 1).is_symbol("(") and not _names_a_table(words, index):
            yield word.text


def _names_a_table(words: Sequence[Token], index: int) -> bool:
    """Whether the name there, which a parenthesis follows, is that of a table with its columns."""
    depth = 0
    for end in range(index + 1, len(words)):
        depth += words[end].is_symbol("(") - words[end].is_symbol(")")
        if not depth:
            after = at(words, end + 2)
            of_with = at(words, end + 1).is_word("AS") and (after.is_symbol("(") or after.is_word("MATERIALIZED"))
            return of_with or at(words, index - 1).is_word("AS")
        if depth > 1 or words[end].kind not in ("name", "symbol"):
            return False
    return False


Value = str | Mapping[str, str]
"""Of a setting: a literal's text, or a map of texts."""


def settings(words: Sequence[Token]) -> Iterator[list[tuple[str, Value | None]]]:
    """A list of `(name, value)` for every SETTINGS clause; the value is None where it is not a plain literal."""
    for index, word in enumerate(words):
        if word.is_word("SETTINGS") and _is_pair(words, index + 1):
            yield list(_pairs(words, index + 1))


def _is_pair(words: Sequence[Token], index: int) -> bool:
    return at(words, index).named and at(words, index + 1).is_symbol("=")


def _pairs(words: Sequence[Token], index: int) -> Iterator[tuple[str, Value | None]]:
    """The settings of one clause from there on; reading ends at the first whose value is no plain literal."""
    while True:
        name, (value, after) = at(words, index), _value(words, index + 2)
        if not _is_pair(words, index) or value is None:
            yield name.text, None
            return
        yield name.text, value
        if not at(words, after).is_symbol(","):
            return
        index = after + 1


def _value(words: Sequence[Token], index: int) -> tuple[Value | None, int]:
    """The value that begins there, None for what is no plain literal, and where the next word stands."""
    first = at(words, index)
    if first.kind in ("string", "number") or first.named:
        return first.text, index + 1
    if first.is_symbol("-") and at(words, index + 1).kind == "number":
        return f"-{at(words, index + 1).text}", index + 2
    if not first.is_symbol("{"):
        return None, index
    found: dict[str, str] = {}
    while not at(words, index + 1).is_symbol("}"):
        key, colon, value = (at(words, index + step) for step in (1, 2, 3))
        if key.kind != "string" or not colon.is_symbol(":") or value.kind != "string" or key.text in found:
            return None, index
        found[key.text] = value.text
        index += 3
        if at(words, index + 1).is_symbol(","):
            index += 1
    return found, index + 2


def output_format(words: Sequence[Token]) -> Token | None:
    """The word of a FORMAT clause that names the format; the clause ends the statement, or SETTINGS follow it."""
    for index, word in enumerate(words):
        name, after = at(words, index + 1), at(words, index + 2)
        if word.is_word("FORMAT") and name.named and (after is END or after.is_word("SETTINGS")):
            return name
    return None


def output_at(words: Sequence[Token], end: int) -> int:
    """Where SETTINGS begin that stand behind a SELECT in brackets before `end`, and are of all; else `end`."""
    depth, brackets = 0, END
    before = END
    for word in words:
        if word.is_symbol("("):
            brackets = before if not depth else brackets
            depth += 1
        depth -= word.is_symbol(")")
        behind = not depth and before.is_symbol(")") and word.is_word("SETTINGS")
        if behind and word.start < end and (brackets is END or brackets.text in _BEFORE_SELECT):
            return word.start
        before = word
    return end


def identifier_parameters(words: Sequence[Token]) -> set[str]:
    """Names of the parameters written `{name:Identifier}`."""
    return {
        at(words, index - 2).text
        for index, word in enumerate(words)
        if word.text == "Identifier" and at(words, index - 1).is_symbol(":") and at(words, index - 3).is_symbol("{")
    }


def parameters(words: Sequence[Token]) -> set[str]:
    """Names of all the parameters written `{name:Type}`, of those that clickhouse-connect takes for parameters too."""
    begun = [index + 1 for index, word in enumerate(words) if word.is_symbol("{")]
    named = [at(words, index) for index in begun if at(words, index + 1).is_symbol(":")]
    return {word.text for word in named if word.named and not word.quoted and word.text.isidentifier()}


_CHILDREN = re.compile(r" \(children \d+\)$")


@dataclass(slots=True)
class Node:
    """`kind` is the first word of its line, `name` the rest without alias and number of children."""

    kind: str
    name: str
    alias: str = ""
    children: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[tuple[Node, Node | None]]:
        """Every node with its parent, this one first."""
        stack: list[tuple[Node, Node | None]] = [(self, None)]
        while stack:
            node, parent = stack.pop()
            yield node, parent
            stack.extend((child, node) for child in reversed(node.children))

    def of(self, *kinds: str) -> list[Node]:
        return [child for child in self.children if child.kind in kinds]


def syntax_tree(text: str) -> Node:
    """`text` is `EXPLAIN AST` in a raw format: a node a line, one space of indentation a level.

    Raises ValueError for anything else.
    """
    path: list[Node] = []
    for line in filter(None, text.split("\n")):
        depth = len(line) - len(line.lstrip(" "))
        kind, _, rest = line[depth:].partition(" ")
        named = "" if rest.startswith("(children ") else _CHILDREN.sub("", rest)
        name, _, alias = named.partition(" (alias ")
        node = Node(kind, name, alias.removesuffix(")"))
        if depth > len(path) or (depth == 0 and path):
            raise ValueError("not a syntax tree")
        del path[depth:]
        if path:
            path[-1].children.append(node)
        path.append(node)
    if not path:
        raise ValueError("an empty syntax tree")
    return path[0]
