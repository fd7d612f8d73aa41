"""How the embedded engine runs in the processes of the tests, and in services and commands that they fork."""

from __future__ import annotations

from otel_sessions.clickhouse import client


def compile_nothing() -> None:
    """Expressions are read a few times each, and to compile those cost an eighth of the CPU.

    Results are the same. Services in a `Directory(compiles=True)` do as those of users.
    """
    client._ENGINE = {
        **client._ENGINE,
        "compile_expressions": 0,
        "compile_aggregate_expressions": 0,
        "compile_sort_description": 0,
    }
