"""How many examples properties are tried with: few at each run of the tests, `EXAMPLES` times as many if it is set."""

from __future__ import annotations

import os


def examples(few: int) -> int:
    return few * int(os.environ.get("EXAMPLES", "1"))
