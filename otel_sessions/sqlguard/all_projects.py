# SPDX-License-Identifier: Apache-2.0
"""Decides whether a statement only reads, and only this database: the rows of all projects in it.

There is no wall between projects here: `one_project` adds it. The SQL endpoint and `query` have this guard alone.

ClickHouse parses; nothing here reads what a client wrote. In order:

1. `formatQuerySingleLine` parses the text as a value, which runs nothing, and returns one statement in canonical form.
   From here on only that form is looked at, explained and run.
2. Its words are checked for what a syntax tree does not show: settings, names inside column transformers, and all of
   what a SHOW looks for. A condition that a setting carries is a statement of its own for all these steps.
3. `EXPLAIN AST`, with the client's parameters in place, must consist of known kinds of nodes; its table functions
   must be on the list and its tables in databases that hold no files. A name is refused where it stands for a
   function: where it is called, or handed to one that calls it (`arrayMap(file, ...)`); as a name for anything
   else, it is nobody's business.

A current database of engine Atomic is part of the promise: chDB's `default` takes any table name for a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from otel_sessions.clickhouse.errors import reading
from otel_sessions.clickhouse.readers import Reader
from otel_sessions.clickhouse.sql import statement
from otel_sessions.errors import QueryError
from otel_sessions.sqlguard import allowed, parse
from otel_sessions.sqlguard.allowed import FILTERS, RESULT_FILTER, Bounds, accepted_settings, refused_setting
from otel_sessions.sqlguard.parse import (
    END,
    Node,
    Token,
    UnreadableError,
    Value,
    at,
    calls,
    identifier_parameters,
    output_format,
    parameters,
    quoted,
    settings,
    tokens,
    unescaped,
)

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

# What the engine adds to a syntax error about the call that this module made.
_OURS = re.compile(r": In scope SELECT formatQuerySingleLine\(.*(?= \([A-Z_]+\)$)", re.DOTALL)
_PLAIN_NAME = re.compile(r"\w+(\.\w+)*")


@dataclass(frozen=True, slots=True)
class Read:
    """A statement that may run, the format that the client's names, and the parameters it takes.

    `sql` is the client's in canonical form, with its FORMAT clause if `has_format_clause`; what stands for a plain SHOW
    TABLES, whose answer puts internal tables last; or an `EXPLAIN AST`, whose answer the engine gives in no format.
    Of a SELECT `output_at` is where what it says of its answer begins, FORMAT or SETTINGS, or its end.
    """

    sql: str
    format: str | None
    parameters: Mapping[str, Parameter]
    has_format_clause: bool = False
    is_syntax_tree: bool = False
    output_at: int | None = None

    def run(self, client: Client, format_: str, settings: Mapping[str, str] | None = None) -> bytes:
        """The answer in the statement's own format, else in this one."""
        bound = dict(self.parameters) or None
        named = None if self.has_format_clause else self.format or format_
        if self.output_at is not None and isinstance(client, Reader):
            return client.foreign_query(self.sql, self.output_at, bound, dict(settings or {}), named)
        if not self.is_syntax_tree:
            return client.raw_query(self.sql, bound, settings=dict(settings or {}), fmt=named)
        lines = unescaped(client.raw_query(self.sql, bound).decode("utf-8", "replace")).rstrip("\n")
        return client.raw_query(statement(__package__, "lines"), {"text": lines}, fmt=self.format or format_)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter's value as HTTP carries it; clickhouse-connect hands anything but text on as `str` gives it."""

    text: str

    def __str__(self) -> str:
        return self.text


def canonical(client: Client, sql: str) -> str:
    """The one statement of `sql` as ClickHouse writes it; `QueryError` if it is none, or several."""
    try:
        with reading():
            text = client.raw_query("SELECT formatQuerySingleLine({q:String})", {"q": sql}, fmt="RawBLOB")
    except QueryError as error:
        raise QueryError(_OURS.sub("", str(error))) from error
    return text.decode("utf-8", "replace")


class ReadGuard:
    """What may be read: `database`, ClickHouse's own system tables, and the listed table functions.

    `database` must be the client's current one. ValueError for chDB's `default`, whose tables are files.
    """

    def __init__(
        self,
        database: str,
        table_functions: Iterable[str] = allowed.TABLE_FUNCTIONS,
        bounds: Bounds | None = None,
        kinds: allowed.Kinds = allowed.READS,
    ) -> None:
        if database in allowed.FILE_DATABASES:
            raise ValueError(f"the tables of {database} are files")
        self._database = database
        self._table_functions = frozenset(name.lower() for name in table_functions)
        self._bounds = bounds or Bounds()
        self._kinds = kinds
        self._foreign: frozenset[str] = frozenset()
        self._higher_order: frozenset[str] = frozenset()
        self._learned = False

    def check(self, client: Client, sql: str, values: Mapping[str, str] | None = None) -> Read:
        """The statement to run in place of `sql`. Raises `QueryError` with ClickHouse's code where it may not run.

        `values` are the query parameters as HTTP carries them. Nothing of `sql` has run when this returns.
        """
        text = canonical(client, sql)
        words = _words(text)
        begins = any(at(words, 0).is_word(first) for first in self._kinds.first_words) or at(words, 0).is_symbol("(")
        if not begins:
            raise QueryError(f"Code: 164. DB::Exception: Only {self._kinds.text} run here. (READONLY)")
        self._learn(client)
        bound = {name: Parameter(value) for name, value in (values or {}).items() if name in parameters(words)}
        self._check_words(words)
        for name in identifier_parameters(words) & bound.keys():
            value = bound[name].text
            if not _PLAIN_NAME.fullmatch(value) or value in allowed.FILE_DATABASES:
                _deny(f"identifier {value!r}")
        clauses = self._check_settings(client, words)
        with reading():
            answer = client.raw_query(f"EXPLAIN AST {text}", dict(bound) or None)
        root = parse.syntax_tree(unescaped_lines(answer.decode("utf-8", "replace")))
        self._check_tree(root, clauses, _hides(words) and bool(identifier_parameters(words)))
        named = output_format(words)
        format_ = named.text if named else None
        if (listed := _listed_database(words)) is not None:
            return Read(statement(__package__, "show_tables"), format_, {"database": Parameter(listed)})
        before = text[: named.start].rstrip().removesuffix("FORMAT") if named else text
        if root.kind == "Explain" and root.name == "EXPLAIN AST":
            return Read(before, format_, bound, is_syntax_tree=True)
        selects = root.kind == "SelectWithUnionQuery"
        output_at = parse.output_at(words, len(before)) if selects else None
        return Read(text, format_, bound, has_format_clause=named is not None, output_at=output_at)

    def accept_settings(self, client: Client, chosen: Mapping[str, str]) -> dict[str, str]:
        """The settings to run a statement with, of those that came beside it, see `accepted_settings`.

        Raises `QueryError` for those that a reader may not set, and for a condition that does more than read.
        """
        accepted = {}
        for name in FILTERS & chosen.keys():
            literal = quoted(chosen[name]) if name == RESULT_FILTER else chosen[name]
            words = _words(canonical(client, f"SELECT 1 SETTINGS {name} = {literal}"))
            clauses = list(settings(words))
            if [[pair[0] for pair in clause] for clause in clauses] != [[name]] or output_format(words):
                _deny(f"{name} = {chosen[name]}")
            accepted[name] = self._check_filter(client, name, clauses[0][0][1])
        others = {name: value for name, value in chosen.items() if name not in FILTERS}
        return accepted_settings(others, self._bounds) | accepted

    def _check_words(self, words: Sequence[Token]) -> None:
        """Refuses what a syntax tree may hide."""
        hides = _hides(words)
        for index, word in enumerate(words):
            after = at(words, index + 1)
            if word.is_word("INTO") and after.is_word("OUTFILE"):
                _deny("INTO OUTFILE")
            if word.is_word("APPLY"):
                if not _applies_by_name(words, index):
                    _deny("APPLY of anything but the name of a function")
                self._check_function(after.text)
            if hides and word.named:
                self._check_function(word.text)
                if word.text in allowed.FILE_DATABASES and after.is_symbol("."):
                    _deny(f"database {word.text}")
        for name in calls(words):
            self._check_function(name)

    def _check_function(self, name: str) -> None:
        lower = name.lower()
        if allowed.REFUSED_FUNCTIONS.fullmatch(lower) or lower in self._foreign:
            _deny(f"function {name}")

    def _check_settings(self, client: Client, words: Sequence[Token]) -> int:
        """Refuses settings that a reader may not set; returns how many SETTINGS clauses there are."""
        clauses = list(settings(words))
        for name, value in (pair for clause in clauses for pair in clause):
            if name in FILTERS:
                self._check_filter(client, name, value)
            elif (reason := refused_setting(name, value if isinstance(value, str) else None, self._bounds)) is not None:
                raise QueryError(reason)
        return len(clauses)

    def _check_filter(self, client: Client, name: str, value: Value | None) -> str:
        """The same value as text, once its conditions were checked: each is what the engine parses as one expression,
        since in brackets such a text is that expression and nothing else.
        """
        if isinstance(value, str) and name == RESULT_FILTER:
            self.check(client, f"SELECT 1 WHERE (\n{value}\n)")
            return value
        if not isinstance(value, Mapping) or name == RESULT_FILTER:
            _deny(f"{name} that is not a plain value")
        for condition in value.values():
            self.check(client, f"SELECT 1 WHERE (\n{condition}\n)")
        return "{" + ",".join(f"{quoted(table)}:{quoted(condition)}" for table, condition in value.items()) + "}"

    def _learn(self, client: Client) -> None:
        """Asks the engine, once, which functions are not its own or make tables, and which call others."""
        if self._learned:
            return
        with reading():
            foreign = client.raw_query(statement(__package__, "foreign_functions"), fmt="TSVRaw")
            higher_order = client.raw_query(statement(__package__, "higher_order_functions"), fmt="TSVRaw")
        self._foreign = frozenset(foreign.decode().split()) - self._table_functions
        self._higher_order = frozenset(higher_order.decode().split())
        self._learned = True

    def _check_tree(self, root: Node, clauses: int, binds_names: bool) -> None:
        if root.kind not in allowed.ROOTS or (binds_names and root.kind in allowed.SHOW):
            _deny(f"{root.kind} {root.name}".strip())
        if root.kind == "Explain":
            if root.name not in allowed.EXPLAIN or len(root.of("SelectWithUnionQuery")) != 1:
                _deny(root.name)
            if len(root.of("SelectWithUnionQuery", "Set", "Identifier")) != len(root.children):
                _deny(root.name)
        if root.kind in allowed.OF_ONE and not root.name.startswith(" ") and root.children:
            self._check_database(root.children[0].name)
        if root.of("Literal"):
            _deny("INTO OUTFILE")
        sets = 0
        # What each alias of a name stands for in the end; one that stands for several, for what may not be called.
        aliases: dict[str, str] = {}
        for node, _ in root.walk():
            if node.kind == "Identifier" and node.alias:
                known = aliases.get(node.alias, "")
                if not allowed.REFUSED_FUNCTIONS.fullmatch(known.lower()):
                    aliases[node.alias] = aliases.get(node.name, node.name)
        for node, parent in root.walk():
            if parent is None:
                continue
            sets += node.kind == "Set" and parent.kind != "Explain"
            self._check_node(node, parent, aliases)
        if sets > clauses:
            _deny("a SETTINGS clause of this form")

    def _check_node(self, node: Node, parent: Node, aliases: Mapping[str, str]) -> None:
        if node.kind not in allowed.NODES:
            _deny(f"{node.kind} in a SELECT")
        if node.kind == "SelectWithUnionQuery" and node.of("Literal"):
            _deny("INTO OUTFILE")
        if node.kind == "TableIdentifier":
            self._check_table(node.name)
        elif node.kind == "Function" and parent.kind == "TableExpression":
            if node.name.lower() not in self._table_functions:
                _deny(f"table function {node.name}")
        elif node.kind == "Function":
            self._check_function(node.name)
            arguments = [argument for lists in node.of("ExpressionList") for argument in lists.children]
            if node.name.lower() in self._higher_order and len(arguments) > 1 and arguments[0].kind == "Identifier":
                called = arguments[0].name
                self._check_function(aliases.get(called, called))
            if allowed.IN_FUNCTIONS.fullmatch(node.name.lower()):
                # `x IN name` reads the table of that name
                for listed in node.of("ExpressionList"):
                    for argument in listed.children[1:]:
                        if argument.kind == "Identifier":
                            self._check_table(argument.name)

    def _check_table(self, name: str) -> None:
        database, dot, table = name.partition(".")
        if not dot:
            return  # of the current database, or of a WITH
        self._check_database(self._database if name.startswith(f"{self._database}.") else database)
        if database in allowed.SYSTEM and table in allowed.REFUSED_SYSTEM_TABLES:
            _deny(f"table {name}")

    def _check_database(self, name: str) -> None:
        if name != self._database and name not in allowed.SYSTEM:
            _deny(f"database {name}")


def _listed_database(words: Sequence[Token]) -> str | None:
    """The database whose tables a plain SHOW TABLES lists, "" for the current one; None for any other statement."""
    named = next((index for index, word in enumerate(words) if word.is_word("FORMAT")), len(words))
    if [word.text for word in words[:2]] != ["SHOW", "TABLES"] or len(words) > named + 2:
        return None
    if named == 2:
        return ""
    return words[3].text if named == 4 and words[2].is_word("FROM") and words[3].named else None


def _hides(words: Sequence[Token]) -> bool:
    """Whether the statement has conditions that its syntax tree leaves out."""
    return at(words, 0).is_word("SHOW") and any(word.is_word("WHERE") or word.is_word("LIMIT") for word in words)


def _applies_by_name(words: Sequence[Token], index: int) -> bool:
    """A lambda or the parameters of an applied function are not in the tree. A column may be called APPLY too."""
    name, after = at(words, index + 1), at(words, index + 2)
    if name.is_symbol(",") or name.is_symbol(")") or name is END:
        return True
    return name.named and not after.is_symbol("(") and not after.is_symbol("-")


def unescaped_lines(text: str) -> str:
    """A column of texts in TabSeparated, as its texts; what would forge a line stays escaped."""
    return re.sub(r"\\(.)", lambda match: match[0] if match[1] in "0bfnrt" else match[1], text)


def _words(text: str) -> list[Token]:
    try:
        return tokens(text)
    except UnreadableError as error:
        _deny(str(error))


def _deny(what: str) -> NoReturn:
    raise QueryError(f"Code: 497. DB::Exception: Not allowed on this read-only endpoint: {what}. (ACCESS_DENIED)")
