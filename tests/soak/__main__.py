"""Kills a service under load, round after round: `make soak ARGS="--rounds 20 --seed 7"`.

The scene `hooks` kills one that tells of idle sessions, and one that evaluates and samples them.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest

from tests.soak.scenes import SCENES
from tests.soak.soak import Soak

HOOKS = ("tests/integration/test_webhook.py", "tests/integration/test_idle_kills.py")
"""Tests that kill as many times as `HOOK_ROUNDS` says."""


def main() -> None:
    scenes = [*SCENES, "hooks"]
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="of each scene (default 100)")
    parser.add_argument("--scene", choices=scenes, nargs="+", default=scenes, help="default: all")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="what is sent, and when who is killed"
    )
    parser.add_argument("--check-every", type=int, default=10, help="rounds between two checks (default 10)")
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    if "hooks" in args.scene:
        os.environ["HOOK_ROUNDS"] = str(args.rounds)
        if pytest.main(["-q", "-p", "no:cacheprovider", *HOOKS]) != pytest.ExitCode.OK:
            sys.exit("hooks: see above")
    for scene in [scene for scene in args.scene if scene in SCENES]:
        directory = Path(tempfile.mkdtemp(prefix="soak-"))
        print(f"{scene}: in {directory}, which stays there if it fails", flush=True)
        Soak(directory, scene, args.seed, partial(print, flush=True)).run(args.rounds, args.check_every)
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
