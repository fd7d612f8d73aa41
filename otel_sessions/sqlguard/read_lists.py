"""The lists behind `guard`: what a read may consist of, in the words of `EXPLAIN AST`, and what it may not name."""

from __future__ import annotations

import re

TABLE_FUNCTIONS = frozenset(
    {"generate_series", "generateseries", "null", "numbers", "numbers_mt", "sqlstandardvalues", "values", "view"}
    | {"primes", "zeros", "zeros_mt"}
)
"""Table functions that make rows of nothing but their arguments, in lower case."""

FILE_DATABASES = frozenset({"default"})
SYSTEM = frozenset({"system", "information_schema", "INFORMATION_SCHEMA"})
# They reach out of the process, hold secrets, or stop its threads.
REFUSED_SYSTEM_TABLES = frozenset({"named_collections", "remote_data_paths", "stack_trace", "symbols", "zookeeper"})
# Scalar functions that read files, other tables by name, dictionaries or the network, write, or only wait.
REFUSED_FUNCTIONS = re.compile(
    r"file|sleep(eachrow)?|joinget\w*|hascolumnintable|dict(get|has|isin)\w*|catboost\w*|naivebayes\w*|logtrace"
    r"|generateserialid|getmaxtablename\w*|ai(classify|embed|extract|filter|generate|redact|similarity|translate)\w*"
)
FIRST_WORDS = frozenset({"SELECT", "WITH", "SHOW", "DESCRIBE", "EXISTS", "EXPLAIN"})
SHOW = frozenset(
    {"ShowTables", "ShowColumns", "ShowIndexes", "ShowFunctions", "ShowEngineQuery", "ShowSetting"}
    | {"ShowProcesslistQuery", "ShowGrantsQuery"}
)
OF_ONE = frozenset(
    {"ExistsTableQuery", "ExistsViewQuery", "ExistsDictionaryQuery"}
    | {"ShowCreateTableQuery", "ShowCreateViewQuery", "ShowCreateDictionaryQuery"}
)
EXPLAIN = frozenset(
    {"EXPLAIN", "EXPLAIN AST", "EXPLAIN SYNTAX", "EXPLAIN QUERY TREE", "EXPLAIN PIPELINE", "EXPLAIN ESTIMATE"}
    | {"EXPLAIN ANALYZE"}
)
OF_DATABASE = frozenset({"ExistsDatabaseQuery", "ShowCreateDatabaseQuery"})
ROOTS = SHOW | OF_ONE | OF_DATABASE | {"SelectWithUnionQuery", "DescribeQuery", "Explain"}
NODES = frozenset(
    {"SelectWithUnionQuery", "SelectIntersectExceptQuery", "SelectQuery", "Subquery", "ExpressionList", "WithElement"}
    | {"TablesInSelectQuery", "TablesInSelectQueryElement", "TableExpression", "TableIdentifier", "TableJoin"}
    | {"ArrayJoin", "SampleRatio", "Function", "Literal", "Identifier", "Set", "OrderByElement", "InterpolateElement"}
    | {"WindowDefinition", "WindowListElement", "Asterisk", "QualifiedAsterisk", "ColumnsRegexpMatcher"}
    | {"ColumnsListMatcher", "QualifiedColumnsRegexpMatcher", "QualifiedColumnsListMatcher", "ColumnsTransformerList"}
    | {"ColumnsApplyTransformer", "ColumnsExceptTransformer", "ColumnsReplaceTransformer"}
    | {"ColumnsReplaceTransformer::Replacement"}
)
# Functions whose further arguments may be the names of tables.
IN_FUNCTIONS = re.compile(r"(global)?(not)?(null)?in(ignoreset)?")
