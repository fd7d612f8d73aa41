# SPDX-License-Identifier: Apache-2.0
"""From text to tree. The grammar is `grammar.lark`; what it cannot say, about fields and their values, is said here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput

from otel_sessions.queries.language import values
from otel_sessions.queries.language.errors import LanguageError
from otel_sessions.queries.language.fields import FIELDS, Field, near, near_fields
from otel_sessions.queries.language.tree import (
    And,
    Compares,
    Is,
    Matches,
    Node,
    Not,
    Operator,
    Or,
    Span,
    Value,
    Words,
)
from otel_sessions.queries.language.words import marks, runs

MAX_LENGTH: Final = 65_536
MAX_TERMS: Final = 200
MAX_DEPTH: Final = 50
_PLAIN_KEY: Final = re.compile(r"[\w._\-/@+]+")
_BAD_QUOTES: Final = 'a text in double quotes has white space around it, and no escapes but \\" and \\\\'
_UNREAD: Final = {'"': _BAD_QUOTES, "-": "one - touches the term that it negates"}
_HINTS: Final = {
    "text": "write FIELD:VALUE; these values are texts",
    "number": "write a number, as in 0.5, 10k or 2M",
    "duration": "write a duration, a number with one of ns us ms s m h d, as in 30s",
    "time": "write a date, as in 2026-01-31, or a time as RFC 3339 has it, as in 2026-01-31T10:00:00Z",
}


@lru_cache(256)
def parse(text: str) -> Node:
    """The tree of an expression; an empty one is all sessions. Raises `LanguageError`."""
    if len(text) > MAX_LENGTH:
        raise LanguageError(f"an expression has {MAX_LENGTH} characters at most", 0)
    interactive = _parser().parse_interactive(text)
    seen: list[Token] = []
    try:
        for token in interactive.iter_parse():
            seen.append(token)
            if len(seen) > MAX_TERMS * 8:
                raise LanguageError(f"an expression has {MAX_TERMS} terms at most", _start(token))
            if token.type == "_OPEN" and len(_unclosed(seen)) > MAX_DEPTH:
                raise LanguageError(f"groups stand {MAX_DEPTH} deep at most", _start(token))
        tree = cast("Tree[Token]", interactive.feed_eof(seen[-1] if seen else None))  # type: ignore[no-untyped-call]
    except UnexpectedInput as error:
        raise _fault(text, seen, error) from error
    return _Reader().node(tree)


@cache
def _parser() -> Lark:
    grammar = files(__package__).joinpath("grammar.lark").read_text("utf-8")
    return Lark(grammar.replace("MARKS", marks(), 1), parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _fault(text: str, seen: Sequence[Token], error: UnexpectedInput) -> LanguageError:
    """Which word is at fault: the one that does not fit, or the one behind which something is missing."""
    last = seen[-1] if seen else None
    token = cast("Token | None", getattr(error, "token", None))
    if isinstance(error, UnexpectedCharacters):
        return _unread(text, seen, error.pos_in_stream or 0)
    if token is None or token.type == "$END":
        last, unclosed = seen[-1], _unclosed(seen)
        if last.type in ("_OR", "_AND"):
            return LanguageError(f"a term is missing behind {last.value!r}", _start(last))
        return LanguageError("this parenthesis is not closed", _start(unclosed[-1] if unclosed else last))
    if token.type not in ("_CLOSE", "_OR", "_AND"):
        return _unread(text, seen, _start(token))
    if last is not None and last.type in ("_OPEN", "_OR", "_AND") and token.type == "_CLOSE":
        return LanguageError("a term is missing here", _start(last))
    return LanguageError(f"{token.value!r} does not fit here", _start(token))


def _unread(text: str, seen: Sequence[Token], position: int) -> LanguageError:
    """What no terminal of the grammar takes here."""
    last = seen[-1] if seen else None
    character = text[position]
    touches = last is not None and (last.end_pos or 0) == position
    if last is not None and touches and last.type == "PREFIX":
        return LanguageError(_BAD_QUOTES, _start(last)) if str(last) in FIELDS else _unknown(last)
    owner = next((token for token in reversed(seen) if token.type in ("FIELD", "PREFIX")), None)
    if character in ":=<>," and owner is not None and touches:
        return LanguageError(f"a value is missing behind {text[_start(owner) : position + 1]!r}", _start(owner))
    if character == ")":
        return LanguageError("white space is missing here", position + 1)
    if last is not None and last.type in ("OPERATOR", "_COMMA") and character != '"':
        return LanguageError("write this value in double quotes: it has other characters than ._-/:@+*", position)
    return LanguageError(_UNREAD.get(character, "this is neither a word nor FIELD:VALUE"), position)


def _unclosed(seen: Sequence[Token]) -> list[Token]:
    stack: list[Token] = []
    for token in seen:
        if token.type == "_OPEN":
            stack.append(token)
        elif token.type == "_CLOSE" and stack:
            stack.pop()
    return stack


class _Reader:
    """Makes nodes of the parser's tree, counting the terms."""

    def __init__(self) -> None:
        self._terms = 0

    def node(self, tree: Tree[Token]) -> Node:
        match tree.data:
            case "start" | "terms":
                return _several(And, [self.node(child) for child in _trees(tree)])
            case "alternatives":
                return _several(Or, [self.node(child) for child in _trees(tree)])
            case "negation":
                return Not(self.node(_trees(tree)[0]))
        first = cast("Token", tree.children[0])
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise LanguageError(f"an expression has {MAX_TERMS} terms at most", _start(first))
        match tree.data:
            case "word":
                text = str(first)
                body = text.removesuffix("*")
                found = runs(body)
                if "*" in body:
                    raise LanguageError("a star in a word stands at its end", _start(first))
                if not found:
                    raise LanguageError("a word has a letter or a digit", _start(first))
                return Words(found, is_beginning=body != text)
            case "phrase":
                found = runs(_unquoted(first))
                if not found:
                    raise LanguageError("a phrase has a letter or a digit", _start(first))
                return Words(found)
            case _:
                return _comparison(tree)


def _several(kind: type[And] | type[Or], nodes: list[Node]) -> Node:
    return nodes[0] if len(nodes) == 1 else kind(tuple(nodes))


def _comparison(tree: Tree[Token]) -> Node:
    tokens = [child for child in tree.children if isinstance(child, Token)]
    field, key = _field(tokens, has_quoted_key=tree.data == "keyed")
    written = str(tokens[-1])
    if written not in field.operators:
        raise LanguageError(f"{field.name} takes : and =, with the values behind them", _start(tokens[0]))
    operator = cast("Operator", ":" if written == "=" else written)
    given = [_value(child) for child in _trees(_trees(tree)[0])]
    if operator != ":" and len(given) > 1:
        raise LanguageError(f"{operator} takes one value", given[1][1])
    wanted = tuple(value for value, _ in given)
    match field.type:
        case "word":
            for value, position in given:
                if value.text not in field.words:
                    found = near(value.text, field.words)
                    raise LanguageError(f"{field.name}: takes {', '.join(field.words)}", position, found)
            return Is(field, tuple(value.text for value in wanted))
        case "text" | "texts":
            return Matches(field, key, wanted)
        case "any":
            read = (values.number(value.text) for value in wanted)
            numbers = tuple(number for number in read if number is not None)
            if operator == ":":
                return Matches(field, key, wanted, numbers)
            return Compares(field, key, operator, tuple(Span(number, number) for number in numbers) or None)
        case _:
            return Compares(field, key, operator, tuple(_span(field, value, position) for value, position in given))


def _field(tokens: Sequence[Token], *, has_quoted_key: bool) -> tuple[Field, str]:
    """The field of a comparison, and its key, which stands in quotes behind the name or as a part of it."""
    token, name = tokens[0], str(tokens[0])
    if has_quoted_key:
        field = FIELDS.get(name)
        if field is None or not field.is_keyed:
            raise _unknown(token)
        if not (key := _unquoted(tokens[1])):
            raise LanguageError("the key is empty", _start(tokens[1]))
        return field, key
    if name in FIELDS and not FIELDS[name].is_keyed:
        return FIELDS[name], ""
    head, _, key = name.partition(".")
    keyed = FIELDS.get(f"{head}.")
    if keyed is None or not key:
        raise _unknown(token)
    if not _PLAIN_KEY.fullmatch(key):
        raise LanguageError(f'write such a key in double quotes: {head}."{key}"', _start(token))
    return keyed, key


def _unknown(token: Token) -> LanguageError:
    found = near_fields(str(token))
    also = f"; did you mean {' or '.join(found)}?" if found else ""
    return LanguageError(f"there is no field {str(token)!r}{also}", _start(token), found)


def _value(tree: Tree[Token]) -> tuple[Value, int]:
    token = cast("Token", tree.children[0])
    value = Value(str(token), is_bare=True) if tree.data == "bare" else Value(_unquoted(token))
    if not value.text:
        raise LanguageError("a value is empty", _start(token))
    return value, _start(token)


def _span(field: Field, value: Value, position: int) -> Span:
    if field.type == "time":
        found = values.time(value.text)
    else:
        number: Decimal | None = (values.duration if field.type == "duration" else values.number)(value.text)
        found = None if number is None else Span(number, number)
    if found is None:
        raise LanguageError(f"{value.text!r} is none of its values; {_HINTS[field.type]}", position)
    return found


def _unquoted(token: Token) -> str:
    return re.sub(r'\\(["\\])', r"\1", str(token)[1:-1])


def _trees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree)]


def _start(token: Token) -> int:
    return token.start_pos or 0
