# SPDX-License-Identifier: Apache-2.0
"""What a read may consist of, in the words of `EXPLAIN AST`, what it may not name, and which of ClickHouse's settings
a reader may choose: those that shape an answer or make it cheaper.

`allowed_settings.txt` names the settings one by one, since a new engine brings some that nobody here has looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from otel_sessions.clickhouse.attempts import MEMORY, MOST
from otel_sessions.errors import QueryError

_ALLOWED = frozenset(
    line
    for line in files(__package__).joinpath("allowed_settings.txt").read_text("utf-8").splitlines()
    if line[0] != "#"
)
RESULT_FILTER = "additional_result_filter"
FILTERS = frozenset({"additional_table_filters", RESULT_FILTER})
"""Settings whose values are conditions in SQL, for the guard to look at. Grafana sends the filters of a board so."""
# The formats' own settings; output_format_schema is not among them, it names a file to write.
_ALLOWED_PREFIX = re.compile(
    r"output_format_(arrow|binary|bson|csv|decimal|float|image|json|markdown|msgpack|native|orc|parquet|pretty|sql_insert"
    r"|tsv|trim|values|write|xml)_\w+|format_(csv|tsv|custom)_\w+(?<!_file)"
)
_IGNORED = re.compile(
    r"(async_|wait_for_async_|insert_|input_format_)\w+|max_insert_block_size|max_query_size|log_queries|load_balancing"
    # what clickhouse-connect sends with every request, and has set already on its connections to chDB
    r"|cast_string_to_dynamic_use_inference|date_time_input_format"
    r"|(connect|receive|send)_timeout|use_client_time_zone|allow_experimental_analyzer|enable_analyzer|enable_json_type"
    # a cache of answers may be stale, and its memory is not the reader's
    r"|use_query_cache|query_cache_\w+|enable_(reads_from|writes_to)_query_cache|network_\w+"
)
_OF_INSERTS = ("async_insert", "wait_for_async_insert")  # teams of HyperDX have them among those of every query
_ONLY = {  # of these, one value
    "allow_experimental_analyzer": ("1", "true"),
    "enable_analyzer": ("1", "true"),
    "use_query_cache": ("0", "false"),
}
_THREADS = frozenset({"max_threads", "max_final_threads"})
_MAX_THREADS = 64
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_NUMBER = re.compile(r"(\d+)(?:\.\d*)?\s*(ki|mi|gi|k|m|g)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one read may take, whatever its settings say: seconds, bytes of memory, bytes and rows of the result.

    0 rows is no bound. A statement's own SETTINGS may name up to `max_memory_written`: what they say the engine takes
    as it is, where what is left for a read may be less than `max_memory_usage`.
    """

    max_execution_time_s: int = 60
    max_memory_usage: int = MOST
    max_result_bytes: int = 64 << 20
    max_result_rows: int = 0
    max_memory_written: int = MOST

    def settings(self) -> Mapping[str, int]:
        """The same as ClickHouse names them."""
        return {
            "max_execution_time": self.max_execution_time_s,
            "max_memory_usage": self.max_memory_usage,
            "max_result_bytes": self.max_result_bytes,
            "max_result_rows": self.max_result_rows,
        }


def accepted_settings(chosen: Mapping[str, str], bounds: Bounds) -> dict[str, str]:
    """The settings to run a statement with, of those that came beside it in a request.

    What a client sends of itself and a read has no use for is left out, and a bound is lowered to ours rather than
    refused. Raises `QueryError` for the others that a reader may not set.
    """
    accepted = {}
    for name, value in chosen.items():
        most = bounds.settings().get(name, 0)
        if name == "readonly" or _IGNORED.fullmatch(name):
            continue
        if most:
            if 0 < number_of(value) < most:
                accepted[name] = str(number_of(value))
        elif (reason := refused_setting(name, value, bounds)) is not None:
            raise QueryError(reason)
        else:
            accepted[name] = value
    return accepted


def refused_setting(name: str, value: str | None, bounds: Bounds) -> str | None:
    """None if a reader may set it so, else the error as ClickHouse would write it."""
    if value is None:
        return _violation(name, "is not a plain value")
    most = bounds.max_memory_written if name == MEMORY else bounds.settings().get(name)
    if most is not None:
        return None if most == 0 or 0 < number_of(value) <= most else _violation(name, f"must be from 1 to {most}")
    if name in _THREADS:
        return None if number_of(value) <= _MAX_THREADS else _violation(name, f"may be {_MAX_THREADS} at most")
    if name == "readonly":
        return None if value in ("1", "2") else _violation(name, "is 1 or 2 here")
    if (
        name in _ALLOWED
        or _ALLOWED_PREFIX.fullmatch(name)
        or name.startswith(_OF_INSERTS)
        or value in _ONLY.get(name, ())
    ):
        return None
    return _violation(name, "is not on the list of this read-only endpoint")


def number_of(value: str) -> int:
    """A whole number as ClickHouse's settings take it (`10`, `1.5` cut off, `64Mi`); 0 for anything else."""
    match = _NUMBER.fullmatch(value.strip())
    return int(match[1]) * _UNITS[(match[2] or "").lower()] if match else 0


def _violation(name: str, what: str) -> str:
    return f"Code: 452. DB::Exception: Setting {name} {what}. (SETTING_CONSTRAINT_VIOLATION)"


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


@dataclass(frozen=True, slots=True)
class Kinds:
    """The statements that run somewhere: how they may begin, and what a refusal calls them."""

    first_words: frozenset[str]
    text: str


READS = Kinds(
    frozenset({"SELECT", "WITH", "SHOW", "DESCRIBE", "EXISTS", "EXPLAIN"}), "SELECT, SHOW, DESCRIBE, EXISTS and EXPLAIN"
)
SELECTS = Kinds(frozenset({"SELECT", "WITH"}), "SELECT, and DESCRIBE of a table,")
"""Of one project: DESCRIBE is answered by whoever asks the guard, from the comments of the tables."""
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
