"""Kills a service under load, round after round: `make soak ARGS="--rounds 20 --seed 7"`."""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from functools import partial
from pathlib import Path

from tests.soak.scenes import SCENES
from tests.soak.soak import Soak


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="of each scene (default 100)")
    parser.add_argument("--scene", choices=list(SCENES), nargs="+", default=list(SCENES), help="default: all")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="what is sent, and when who is killed"
    )
    parser.add_argument("--check-every", type=int, default=10, help="rounds between two checks (default 10)")
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    for scene in args.scene:
        directory = Path(tempfile.mkdtemp(prefix="soak-"))
        print(f"{scene}: in {directory}, which stays there if it fails", flush=True)
        Soak(directory, scene, args.seed, partial(print, flush=True)).run(args.rounds, args.check_every)
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
