"""What is stored of spans gives back all that is in the batch."""

from __future__ import annotations

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.clickhouse import inserts, rows
from otel_sessions.clickhouse.rows import STORED
from otel_sessions.pdata import decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.testing.otlp import Value, request, span
from tests.integration.delivery import EPOCH, new_project

LONG = "Grüße 👋 " * 300
TEXTS: list[dict[str, Value]] = [
    {"input.value": "hello", "output.value": "there"},
    {"input.value": LONG, "output.value": LONG + "!"},
    {"input.value": '[{"role": "user", "content": "from a message"}]'},
    {"input.value": "", "gen_ai.prompt": "the second key", "tool_response": "late key"},
    {"input.value": "same", "gen_ai.prompt": "same"},
    {"langfuse.trace.input": "of the trace"},
    {},
]
ALL = 2**32 - 1
TIMES = [(EPOCH, EPOCH + 5), (EPOCH, EPOCH - 5), (0, 0), (2**63 + 7, 2**63 + 9), (2**64 - 1, 3), (5, 2**64 - 1)]


@pytest.mark.parametrize("table", [rows.TABLE, "_corrected_spans"])
def test_texts_and_times_are_those_of_the_batch(otel_client: Client, table: str) -> None:
    project = new_project()
    spans = [
        span(span_id=f"{number + 1:016x}", start=TIMES[number % len(TIMES)][0], end=TIMES[number % len(TIMES)][1],
             attributes=TEXTS[number % len(TEXTS)]) for number in range(len(TIMES) * len(TEXTS))
    ]  # fmt: skip
    decoded = decode([request(*spans).SerializeToString()], [project]).batch
    batch = SessionProcessor(SessionConfig()).process(decoded)
    rows.insert(otel_client, table, rows.arrow_stream([batch]), inserts.settings(otel_client))
    names = ["SpanId", "StartTimeUnixNano", "EndTimeUnixNano", "Duration", "Input", "Output", "TraceInput"]
    sql = f"SELECT {', '.join(names)} FROM {table} WHERE Project = {{project:String}} ORDER BY SpanId"
    stored = otel_client.query(sql, {"project": project}).result_rows
    wanted = pa.table([batch[name] for name in names], names=names).sort_by("SpanId")
    assert stored == [tuple(row[name] for name in names) for row in wanted.to_pylist()]


def test_a_text_that_begins_an_attribute_is_not_stored_again() -> None:
    spans = (span(span_id=f"{number + 1:016x}", attributes=texts) for number, texts in enumerate(TEXTS))
    batch = SessionProcessor(SessionConfig()).process(decode([request(*spans).SerializeToString()], ["p"]).batch)
    table = pa.ipc.open_stream(rows.arrow_stream([batch])).read_all()
    assert table.schema == STORED
    assert list(zip(*(table[f"Input{part}"].to_pylist() for part in ("Key", "Chars", "Text")), strict=True)) == [
        ("input.value", ALL, ""),
        ("input.value", 1000, ""),
        ("", 0, "from a message"),
        ("gen_ai.prompt", ALL, ""),
        ("input.value", ALL, ""),
        ("", 0, ""),
        ("", 0, ""),
    ]
    assert table["OutputKey"].to_pylist() == ["output.value", "output.value", "", "tool_response", "", "", ""]
