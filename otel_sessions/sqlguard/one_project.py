# SPDX-License-Identifier: Apache-2.0
"""The wall between projects: narrows a statement that `all_projects` lets through to the rows of one project, and to
the tables that everybody may read.

The engine keeps the rows apart, by a filter on each of these tables wherever the statement or a view of it reads them;
the names are checked here, in the syntax tree: other tables of the database are not read, nor the system's.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final, NoReturn

from otel_sessions.clickhouse.errors import reading
from otel_sessions.clickhouse.sql import statement
from otel_sessions.errors import QueryError
from otel_sessions.sqlguard import allowed, parse
from otel_sessions.sqlguard.all_projects import Read, ReadGuard, unescaped_lines
from otel_sessions.sqlguard.parse import Node, quoted

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

_TABLE_FUNCTIONS: Final = allowed.TABLE_FUNCTIONS - {"view"}


class ProjectGuard:
    """Lets statements read `tables` of `database`, the client's current one, and of them the rows of one project.

    Each of the tables has the column `Project`.
    """

    def __init__(self, database: str, tables: Collection[str]) -> None:
        self._guard = ReadGuard(database, _TABLE_FUNCTIONS, kinds=allowed.SELECTS)
        self._database = database
        self._tables = frozenset(tables)

    def check(self, client: Client, sql: str) -> Read:
        """The statement to run in place of `sql`, with `filters` among its settings.

        Raises `QueryError` for what does more than read these tables.
        """
        read = self._guard.check(client, sql)
        with reading():
            tree = client.raw_query(f"EXPLAIN AST {read.sql}")
            names = client.raw_query(statement(__package__, "tables"), {"database": self._database}, fmt="TSV")
        root = parse.syntax_tree(unescaped_lines(tree.decode("utf-8", "replace")))
        if root.kind != "SelectWithUnionQuery":
            _deny("anything but SELECT")
        hidden = frozenset(names.decode("utf-8", "replace").split("\n")) - self._tables
        for node, _ in root.walk():
            if node.kind == "Set":
                _deny("a SETTINGS clause")
            for name in _tables_of(node):
                if name.startswith(f"{self._database}."):
                    if name.removeprefix(f"{self._database}.") not in self._tables:
                        _deny(f"table {name}")
                elif "." in name or name in hidden:
                    _deny(f"table {name}")
        return read

    def filters(self, project: str) -> dict[str, str]:
        """The settings that leave only rows of this project."""
        condition = quoted(f"Project = {quoted(project)}")
        each = ",".join(f"{quoted(f'{self._database}.{table}')}:{condition}" for table in sorted(self._tables))
        return {"additional_table_filters": "{" + each + "}"}


def _tables_of(node: Node) -> list[str]:
    """The names in a node that the engine takes for tables, those that a WITH defines among them."""
    if node.kind == "TableIdentifier":
        return [node.name]
    if node.kind == "Function" and allowed.IN_FUNCTIONS.fullmatch(node.name.lower()):
        arguments = (argument for lists in node.of("ExpressionList") for argument in lists.children[1:])
        return [argument.name for argument in arguments if argument.kind == "Identifier"]
    return []


def _deny(what: str) -> NoReturn:
    raise QueryError(f"Code: 497. DB::Exception: Not allowed here, where one project is read: {what}. (ACCESS_DENIED)")
