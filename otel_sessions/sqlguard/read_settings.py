"""Which of ClickHouse's settings a reader may choose: those that shape an answer or make it cheaper."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from otel_sessions.errors import QueryError

_ALLOWED = frozenset(
    {"aggregate_functions_null_for_empty", "cast_keep_nullable", "date_time_input_format", "date_time_output_format"}
    | {"empty_result_for_aggregation_by_empty_set", "extremes", "final", "group_by_overflow_mode", "group_by_use_nulls"}
    | {
        "join_algorithm",
        "join_default_strictness",
        "join_use_nulls",
        "limit",
        "offset",
        "log_comment",
        "max_block_size",
    }
    | {"max_bytes_to_read", "max_rows_to_group_by", "max_rows_to_read", "max_rows_to_sort", "max_threads"}
    | {"prefer_column_name_to_alias", "priority", "read_overflow_mode", "result_overflow_mode", "session_timezone"}
    | {"sort_overflow_mode", "timeout_overflow_mode", "totals_mode", "transform_null_in", "union_default_mode"}
    | {"describe_compact_output", "describe_include_subcolumns", "short_circuit_function_evaluation"}
    | {
        "bool_false_representation",
        "bool_true_representation",
        "use_skip_indexes",
        "enable_named_columns_in_function_tuple",
    }
)
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
    r"|allow_experimental_(json|object|dynamic|variant)_type"
)
_MAX_THREADS = 64
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_NUMBER = re.compile(r"(\d+)(?:\.\d*)?\s*(ki|mi|gi|k|m|g)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one read may take, whatever its settings say: seconds, bytes of memory, bytes and rows of the result.

    0 rows is no bound.
    """

    max_execution_time_s: int = 60
    max_memory_usage: int = 4 << 30
    max_result_bytes: int = 1 << 30
    max_result_rows: int = 0

    def settings(self) -> Mapping[str, int]:
        """The same as ClickHouse names them."""
        return {
            "max_execution_time": self.max_execution_time_s,
            "max_memory_usage": self.max_memory_usage,
            "max_result_bytes": self.max_result_bytes,
            "max_result_rows": self.max_result_rows,
        }


def accepted_settings(chosen: Mapping[str, str], bounds: Bounds) -> dict[str, str]:
    """Of the settings that came with a request, beside the statement, those to run it with.

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
                accepted[name] = value
        elif (reason := refused_setting(name, value, bounds)) is not None:
            raise QueryError(reason)
        else:
            accepted[name] = value
    return accepted


def refused_setting(name: str, value: str | None, bounds: Bounds) -> str | None:
    """None if a reader may set it so, else the error as ClickHouse would write it."""
    if value is None:
        return _violation(name, "is not a plain value")
    most = bounds.settings().get(name)
    if most is not None:
        return None if most == 0 or 0 < number_of(value) <= most else _violation(name, f"must be from 1 to {most}")
    if name == "max_threads":
        return None if number_of(value) <= _MAX_THREADS else _violation(name, f"may be {_MAX_THREADS} at most")
    if name == "readonly":
        return None if value in ("1", "2") else _violation(name, "is 1 or 2 here")
    if name in _ALLOWED or _ALLOWED_PREFIX.fullmatch(name):
        return None
    return _violation(name, "is not on the list of this read-only endpoint")


def number_of(value: str) -> int:
    """A whole number as ClickHouse's settings take it (`10`, `1.5` cut off, `64Mi`); 0 for anything else."""
    match = _NUMBER.fullmatch(value.strip())
    return int(match[1]) * _UNITS[(match[2] or "").lower()] if match else 0


def _violation(name: str, what: str) -> str:
    return f"Code: 452. DB::Exception: Setting {name} {what}. (SETTING_CONSTRAINT_VIOLATION)"
