"""What becomes of spans for which a processor raises."""

from __future__ import annotations

from typing import Any

import pytest

from otel_sessions.component import ComponentId, OnError, Request
from otel_sessions.exporterhelper.processing import Processing
from otel_sessions.pdata import SpanBatch
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.otlp import request, span
from otel_sessions.testing.sinks import span_names


class Raising:
    """Marks spans by their status message, and raises where one of these names is among them."""

    def __init__(self, *bad: str, on_error: OnError | None = None) -> None:
        self.bad = set(bad)
        self.calls = 0
        if on_error is not None:
            self.on_error = on_error

    def process(self, batch: SpanBatch) -> SpanBatch:
        self.calls += 1
        names = batch["SpanName"].to_pylist()
        if self.bad & set(names):
            raise ValueError("a fault of the plugin")
        return batch.with_columns({"StatusMessage": batch["SpanName"]})


def processed(processor: Any, *names: str) -> tuple[SpanBatch, Metrics]:
    metrics = Metrics()
    processing = Processing([(ComponentId("plugin"), processor)], metrics)
    body = request(*(span(name) for name in names)).SerializeToString()
    return processing.batch([Request(body)]), metrics


def count(metrics: Metrics, on_error: str) -> float | None:
    labels = {"processor": "plugin", "on_error": on_error}
    return metrics.registry.get_sample_value("otel_sessions_processor_errors_total", labels)


NAMES = [f"span {number}" for number in range(40)]


@pytest.mark.parametrize("processor", [Raising("span 3"), Raising("span 3", on_error="fail")])
def test_without_more_ado_what_came_together_is_not_processed(processor: Raising) -> None:
    with pytest.raises(ValueError, match="a fault of the plugin"):
        processed(processor, *NAMES)
    assert processor.calls == 1


def test_drop_leaves_out_the_spans_to_blame_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    batch, metrics = processed(Raising("span 3", "span 39", on_error="drop"), *NAMES)
    good = [name for name in NAMES if name not in {"span 3", "span 39"}]
    assert span_names([batch]) == batch["StatusMessage"].to_pylist() == good
    assert count(metrics, "drop") == 2
    assert caplog.text.count("Traceback") == 1


def test_pass_lets_them_go_on_as_they_were_in_their_places() -> None:
    batch, metrics = processed(Raising("span 0", "span 17", on_error="pass"), *NAMES)
    assert span_names([batch]) == NAMES
    marks = ["" if name in {"span 0", "span 17"} else name for name in NAMES]
    assert batch["StatusMessage"].to_pylist() == marks
    assert count(metrics, "pass") == 2


@pytest.mark.parametrize(("on_error", "left"), [("drop", 0), ("pass", 2000)])
def test_one_that_always_raises_costs_no_call_a_span(on_error: OnError, left: int) -> None:
    names = [f"span {number}" for number in range(2000)]
    processor = Raising(*names, on_error=on_error)
    batch, metrics = processed(processor, *names)
    assert len(batch) == left
    assert count(metrics, on_error) == 2000
    assert processor.calls < 100


def test_what_is_no_batch_is_as_good_as_raised() -> None:
    class Forgetful(Raising):
        def process(self, batch: SpanBatch) -> SpanBatch:
            return None  # type: ignore[return-value]

    assert len(processed(Forgetful(on_error="pass"), *NAMES)[0]) == 40
    with pytest.raises(TypeError, match="has returned NoneType"):
        processed(Forgetful(), *NAMES)
