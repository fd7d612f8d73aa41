"""A few rounds of `make soak`, whose services compile no expressions here: that pays in longer ones."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.soak.soak import Soak


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("scene", "rounds"), [("embedded", 2), ("remote", 1)])
def test_after_kills_under_load_the_sessions_are_those_of_what_was_taken(
    tmp_path: Path, scene: str, rounds: int
) -> None:
    Soak(tmp_path, scene, seed=random.randrange(10**6), clients=2, compiles=False).run(rounds, check_every=rounds)
