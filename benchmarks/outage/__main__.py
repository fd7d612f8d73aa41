"""Minutes without ClickHouse at a steady rate: memory, answers, and how fast the service catches up afterwards."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.load import Shape
from benchmarks.outage.scene import Sample, Scene


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outage", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="without ClickHouse (default 10)")
    parser.add_argument("--rate", type=float, default=5000.0, help="spans a second (default 5000)")
    parser.add_argument("--spans", type=int, default=512, help="spans a request (default 512)")
    parser.add_argument("--every", type=float, default=15.0, help="seconds a line (default 15)")
    parser.add_argument("--patience", type=float, default=60.0, help="minutes to catch up in (default 60)")
    args = parser.parse_args()
    print("phase  elapsed s  RSS MiB  log MiB  arrived/s  stored/s  p50 ms  p99 ms  refused", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        scene = Scene(Path(directory), args.rate, args.every, Shape(spans=args.spans), _show)
        scene.play(warm_s=2 * args.every, away_s=args.minutes * 60, patience_s=args.patience * 60)
    _sum_up(scene)


def _show(sample: Sample) -> None:
    print(
        f"{sample.phase:5} {sample.elapsed_s:10.0f} {sample.rss_mib:8.0f} {sample.log_mib:8.0f} {sample.arrived:10.0f}"
        f" {sample.stored:9.0f} {sample.p50_s * 1e3:7.0f} {sample.p99_s * 1e3:7.0f} {sample.refused:8}",
        flush=True,
    )


def _sum_up(scene: Scene) -> None:
    away, back = scene.of("away"), scene.of("back")
    if away:
        sizes = [sample.rss_mib for sample in away]
        print(f"away: RSS {min(sizes):.0f} to {max(sizes):.0f} MiB, {sum(sample.refused for sample in away)} refused")
    if back:
        stored = sum(sample.stored for sample in back) / len(back)
        arrived = sum(sample.arrived for sample in back) / len(back)
        print(f"back: stored {stored:.0f} spans/s while {arrived:.0f} arrived")
    print(f"every span is stored and counted once; {scene.duplicates} rows of otel_traces are repetitions")


if __name__ == "__main__":
    main()
