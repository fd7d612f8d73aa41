"""Feeds mutated requests to the compiled decoder, for a build with sanitizers, and for leaks.

    cc -std=c11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -shared -fPIC \\
        -o otel_sessions/pdata/_wire.so otel_sessions/pdata/_wire.c
    PYTHONMALLOC=malloc LD_PRELOAD=$(cc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 \\
        python -m tests.pdata.fuzz_fast 1000000

Every `--compare`th call is held against the reference decoder. Prints the process's memory as it goes. Install again
afterwards.
"""

from __future__ import annotations

import argparse
import random
import resource
from pathlib import Path

from tests.pdata.test_fast import ORDINARY, assert_same, body, mutated, understood
from tests.pdata.test_otlp import REQUESTS

_TOGETHER = 50


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("inputs", type=int)
    parser.add_argument("--compare", type=int, default=20, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    samples = [body(ORDINARY), *(body(REQUESTS.example()) for _ in range(40))]
    taken = 0
    for call in range(1, arguments.inputs // _TOGETHER + 1):
        bodies = [mutated(rng.choice(samples), rng, rng.randrange(1, 3)) for _ in range(_TOGETHER)]
        if call % arguments.compare == 0:
            assert_same(*bodies)
        taken += sum(understood(bodies))
        if call % 1000 == 0:
            rss = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20
            print(f"{call * _TOGETHER} inputs, {taken} taken, {rss} MiB", flush=True)


if __name__ == "__main__":
    main()
