"""How evenly spans lie on the shards of a cluster, by the key of their trace and by that of their session, and what is
missing while a shard is away: `python -m benchmarks.shards`.

A simulation: ids are random, so the hash of one is a random number. Sessions are as unequal as those of people and
agents are: most have a few turns, one in a hundred has 180, some have a thousand times more than the median.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
SPANS_A_TURN = 20
"""On average; geometric."""


def turns_of_sessions(sessions: int, rnd: np.random.Generator) -> Counts:
    """How many turns each session has: log-normal, 5 in the middle, 7 % with 50 or more."""
    return np.maximum(1, rnd.lognormal(np.log(5), 1.55, sessions)).astype(np.int64)


def simulate(sessions: int, shards: int, rnd: np.random.Generator) -> dict[str, float]:
    """Figures of one run: the fullest shard against the mean, and what is missing without one shard."""
    turns = turns_of_sessions(sessions, rnd)
    spans = rnd.geometric(1 / SPANS_A_TURN, turns.sum())
    session = np.repeat(np.arange(sessions), turns)
    by_trace = rnd.integers(0, shards, turns.sum())
    by_session = rnd.integers(0, shards, sessions)[session]
    touched = len(np.unique(session * shards + by_trace)) / sessions
    hurt = np.zeros(sessions, np.bool_)
    hurt[session[by_trace == 0]] = True
    return {
        "fullest by trace": fullest(by_trace, spans, shards),
        "fullest by session": fullest(by_session, spans, shards),
        "shards a session": touched,
        "lost: spans": float(spans[by_trace == 0].sum() / spans.sum()),
        "lost: sessions with a gap": float(hurt.mean()),
        "lost by session: sessions gone": float(np.unique(session[by_session == 0]).size / sessions),
    }


def fullest(shard: Counts, spans: Counts, shards: int) -> float:
    """Spans of the fullest shard, as a share of the mean."""
    return float(np.bincount(shard, spans, shards).max() / (spans.sum() / shards))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--shards", type=int, nargs="+", default=[3, 16, 64])
    parser.add_argument("--runs", type=int, default=10)
    chosen = parser.parse_args(arguments)
    rnd = np.random.default_rng(1)
    for sessions in chosen.sessions:
        for shards in chosen.shards:
            runs = [simulate(sessions, shards, rnd) for _ in range(chosen.runs)]
            print(f"{sessions:,} sessions on {shards} shards, {chosen.runs} runs")
            for name in runs[0]:
                values = np.array([run[name] for run in runs])
                print(f"  {name:32} mean {values.mean():.3f}, most {values.max():.3f}")


if __name__ == "__main__":
    main()
