"""Decides whether a statement only reads, and only this database.

ClickHouse parses; nothing here reads what a client wrote. In order:

1. `formatQuerySingleLine` parses the text as a value, which runs nothing, and returns one statement in canonical form.
   From here on only that form is looked at, explained and run.
2. Its words are checked for what a syntax tree does not show: settings, files, names inside column transformers.
3. `EXPLAIN AST`, with the client's parameters in place, must consist of known kinds of nodes; its table functions
   must be on the list and its tables in databases that hold no files.

A current database of engine Atomic is part of the promise: chDB's `default` takes any table name for a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse.errors import reading
from otel_sessions.errors import QueryError
from otel_sessions.sqlguard import read_lists, syntax_tree
from otel_sessions.sqlguard.read_settings import Bounds, refused_setting
from otel_sessions.sqlguard.syntax_tree import Node
from otel_sessions.sqlguard.tokens import (
    END,
    Token,
    UnreadableError,
    at,
    calls,
    identifier_parameters,
    output_format,
    parameters,
    settings,
    tokens,
)

# What the engine adds to a syntax error about the call that this module made.
_OURS = re.compile(r": In scope SELECT formatQuerySingleLine\(.*(?= \([A-Z_]+\)$)", re.DOTALL)
_PLAIN_NAME = re.compile(r"\w+(\.\w+)*")


@dataclass(frozen=True, slots=True)
class Read:
    """A statement that may run: its canonical text, the format it names itself, and the parameters it takes."""

    sql: str
    format: str | None
    parameters: Mapping[str, Parameter]


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
        table_functions: Iterable[str] = read_lists.TABLE_FUNCTIONS,
        bounds: Bounds | None = None,
    ) -> None:
        if database in read_lists.FILE_DATABASES:
            raise ValueError(f"the tables of {database} are files")
        self._database = database
        self._table_functions = frozenset(name.lower() for name in table_functions)
        self._bounds = bounds or Bounds()
        self._foreign: frozenset[str] | None = None

    def check(self, client: Client, sql: str, values: Mapping[str, str] | None = None) -> Read:
        """The statement to run in place of `sql`. Raises `QueryError` with ClickHouse's code where it may not run.

        `values` are the query parameters as HTTP carries them. Nothing of `sql` has run when this returns.
        """
        text = canonical(client, sql)
        try:
            words = tokens(text)
        except UnreadableError as error:
            _deny(str(error))
        if not any(at(words, 0).is_word(first) for first in read_lists.FIRST_WORDS) and not at(words, 0).is_symbol("("):
            raise QueryError(
                "Code: 164. DB::Exception: Only SELECT, SHOW, DESCRIBE, EXISTS and EXPLAIN run here. (READONLY)"
            )
        bound = {name: Parameter(value) for name, value in (values or {}).items() if name in parameters(words)}
        clauses = self._check_words(client, words)
        self._check_identifiers(words, bound)
        self._check_tree(self._tree(client, text, bound), clauses, bool(identifier_parameters(words)))
        return Read(text, output_format(words), bound)

    def _check_words(self, client: Client, words: Sequence[Token]) -> int:
        """What a syntax tree may hide. Returns the number of SETTINGS clauses."""
        for index, word in enumerate(words):
            after = at(words, index + 1)
            if word.is_word("INTO") and after.is_word("OUTFILE"):
                _deny("INTO OUTFILE")
            if word.named and read_lists.REFUSED_FUNCTIONS.fullmatch(word.text.lower()):
                _deny(f"function {word.text}")
            if word.named and word.text in read_lists.FILE_DATABASES and after.is_symbol("."):
                _deny(f"database {word.text}")
            if word.is_word("APPLY") and not _applies_by_name(words, index):
                _deny("APPLY of anything but the name of a function")
        self._check_calls(client, calls(words))
        clauses = list(settings(words))
        for name, value in (pair for clause in clauses for pair in clause):
            if (reason := refused_setting(name, value, self._bounds)) is not None:
                raise QueryError(reason)
        return len(clauses)

    def _check_calls(self, client: Client, names: Iterable[str]) -> None:
        """Table functions by the engine's own list, wherever they stand, and functions that are not the engine's."""
        if self._foreign is None:
            with reading():
                found = client.raw_query(
                    "SELECT DISTINCT lower(name) FROM system.table_functions WHERE name NOT IN "
                    "(SELECT name FROM system.functions) UNION ALL "
                    "SELECT lower(name) FROM system.functions WHERE origin != 'System'",
                    fmt="TSVRaw",
                )
            self._foreign = frozenset(found.decode().split()) - self._table_functions
        for name in names:
            if name.lower() in self._foreign:
                _deny(f"function {name}")

    def _check_identifiers(self, words: Sequence[Token], bound: Mapping[str, Parameter]) -> None:
        for name in identifier_parameters(words) & bound.keys():
            value = bound[name].text
            if (
                not _PLAIN_NAME.fullmatch(value)
                or read_lists.REFUSED_FUNCTIONS.fullmatch(value.lower())
                or value in read_lists.FILE_DATABASES
            ):
                _deny(f"identifier {value!r}")

    def _tree(self, client: Client, text: str, bound: Mapping[str, Parameter]) -> Node:
        with reading():
            answer = client.raw_query(f"EXPLAIN AST {text}", dict(bound) or None)
        return syntax_tree.parse(_untabbed(answer.decode("utf-8", "replace")))

    def _check_tree(self, root: Node, clauses: int, binds_names: bool) -> None:
        if root.kind not in read_lists.ROOTS or (binds_names and root.kind in read_lists.SHOW):
            _deny(f"{root.kind} {root.name}".strip())
        if root.kind == "Explain":
            self._check_explain(root)
        if root.kind in read_lists.OF_ONE and not root.name.startswith(" ") and root.children:
            self._check_database(root.children[0].name)
        if root.of("Literal"):
            _deny("INTO OUTFILE")
        sets = 0
        for node, parent in root.walk():
            if parent is None:
                continue
            sets += node.kind == "Set" and parent.kind != "Explain"
            self._check_node(node, parent)
        if sets > clauses:
            _deny("a SETTINGS clause of this form")

    def _check_explain(self, root: Node) -> None:
        if root.name not in read_lists.EXPLAIN or len(root.of("SelectWithUnionQuery")) != 1:
            _deny(root.name)
        if len(root.of("SelectWithUnionQuery", "Set", "Identifier")) != len(root.children):
            _deny(root.name)

    def _check_node(self, node: Node, parent: Node) -> None:
        if node.kind not in read_lists.NODES:
            _deny(f"{node.kind} in a SELECT")
        if node.kind == "SelectWithUnionQuery" and node.of("Literal"):
            _deny("INTO OUTFILE")
        if node.kind == "TableIdentifier":
            self._check_table(node.name)
        elif node.kind == "Function" and parent.kind == "TableExpression":
            if node.name.lower() not in self._table_functions:
                _deny(f"table function {node.name}")
        elif node.kind in ("Function", "Identifier") and read_lists.REFUSED_FUNCTIONS.fullmatch(node.name.lower()):
            _deny(f"function {node.name}")
        if node.kind == "Function" and node.name in read_lists.IN_FUNCTIONS:
            self._check_in(node)

    def _check_in(self, node: Node) -> None:
        """`x IN name` reads the table of that name."""
        for arguments in node.of("ExpressionList"):
            for argument in arguments.children[1:]:
                if argument.kind == "Identifier":
                    self._check_table(argument.name)

    def _check_table(self, name: str) -> None:
        database, dot, table = name.partition(".")
        if not dot:
            return  # of the current database, or of a WITH
        self._check_database(self._database if name.startswith(f"{self._database}.") else database)
        if database in read_lists.SYSTEM and table in read_lists.REFUSED_SYSTEM_TABLES:
            _deny(f"table {name}")

    def _check_database(self, name: str) -> None:
        if name != self._database and name not in read_lists.SYSTEM:
            _deny(f"database {name}")


def _applies_by_name(words: Sequence[Token], index: int) -> bool:
    """A lambda or the parameters of an applied function are not in the tree. A column may be called APPLY too."""
    name, after = at(words, index + 1), at(words, index + 2)
    if name.is_symbol(",") or name.is_symbol(")") or name is END:
        return True
    return name.named and not after.is_symbol("(") and not after.is_symbol("-")


def _untabbed(text: str) -> str:
    """TabSeparated escapes quotes and backslashes; neither matters to the nodes, but a backslash in a name does."""
    return re.sub(r"\\(.)", r"\1", text)


def _deny(what: str) -> NoReturn:
    raise QueryError(f"Code: 497. DB::Exception: Not allowed on this read-only endpoint: {what}. (ACCESS_DENIED)")
