"""Cases of real dialects: `tests/testdata/dialects/*.json`, what clients send and what must be read of it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_sessions.pdata import decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.testing.otlp import request, resource_spans, span

CASES = [
    case
    for file in sorted((Path(__file__).parent.parent / "testdata" / "dialects").glob("*.json"))
    for case in json.loads(file.read_text(encoding="utf-8"))
]
SUMS = (
    *("InputTokens", "OutputTokens", "TotalTokens", "CachedInputTokens", "CacheCreationInputTokens", "ReasoningTokens"),
)


def _value(value: Any) -> Any:
    if isinstance(value, dict) and "json" in value:
        return json.dumps(value["json"])
    if isinstance(value, dict) and "python" in value:
        return repr(value["python"])
    return value


def _span(number: int, case: dict[str, Any]) -> Span:
    parent = case.get("parent")
    return span(
        case["name"],
        trace_id="0af7651916cd43dd8448eb211c80319c",
        span_id=f"{number + 1:016x}",
        parent=f"{parent + 1:016x}" if parent is not None else "",
        attributes={key: _value(value) for key, value in case.get("attributes", {}).items()},
        start=1_767_600_000_000_000_000 + number,
    )


def _rows(case: dict[str, Any]) -> list[dict[str, Any]]:
    spans = [_span(number, each) for number, each in enumerate(case["spans"])]
    scoped = resource_spans(*spans, resource=case.get("resource", {}), scope=(case.get("scope", ""), ""))
    batch = decode([request(scoped).SerializeToString()], ["p"]).batch
    rows: list[dict[str, Any]] = SessionProcessor(SessionConfig()).process(batch).record.to_pylist()
    return rows


def _session(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What the views make of these rows, as far as the cases ask for it."""
    summed = {name: sum(row[name] for row in rows) for name in (*SUMS, "Cost")}
    counts = {"ModelCalls": "IsModelCall", "ToolCalls": "IsToolCall", "UnpricedCalls": "IsUnpriced"}
    roots = sorted(rows, key=lambda row: (1 - row["IsRoot"], row["StartTimeUnixNano"]))
    first = {name: next((row[name] for row in roots if row[name]), "") for name in ("Input", "Output", "UserId")}
    metadata = {key: value for row in rows for key, value in row["Metadata"]}
    return {
        **summed,
        **{name: sum(row[flag] for row in rows) for name, flag in counts.items()},
        **first,
        "Metadata": metadata,
        "SessionId": rows[0]["SessionHint"],
        "SpanCount": len(rows),
        "Models": sorted({row["Model"] for row in rows if row["Model"]}),
        "Tags": sorted({tag for row in rows for tag in row["Tags"]}),
    }


def _agrees(found: Any, expected: Any) -> bool:
    if isinstance(expected, dict) and "above" in expected:
        return bool(found > Decimal(str(expected["above"])))
    if isinstance(expected, float):
        return bool(found == Decimal(str(expected)))
    return bool(found == expected)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_a_client_says_is_read_as_it_means_it(case: dict[str, Any]) -> None:
    rows = _rows(case)
    session = _session(rows)
    wrong = {
        name: (session[name], expected)
        for name, expected in case["expect"].items()
        if not _agrees(session[name], expected)
    }
    for number, columns in enumerate(case.get("columns", [])):
        wrong |= {
            f"{number} {name}": (rows[number][name], expected)
            for name, expected in columns.items()
            if not _agrees(rows[number][name], expected)
        }
    assert wrong == {}
