"""A short form of `python -m benchmarks.outage`."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.load import Shape
from benchmarks.outage.scene import Scene


@pytest.mark.timeout(300)
def test_ten_seconds_without_ClickHouse_cost_nothing_but_time(tmp_path: Path) -> None:
    scene = Scene(tmp_path, spans_per_s=600, every_s=1, shape=Shape(spans=64))
    scene.play(warm_s=2, away_s=10, patience_s=120)
    away = scene.of("away")
    assert sum(sample.refused for sample in away) == 0
    assert sum(sample.stored for sample in away[1:]) == 0
    assert away[-1].log_mib > away[0].log_mib > 0
    assert away[-1].rss_mib < away[0].rss_mib + 100
