"""Runs an example: `python examples/run.py chat`. What it needs goes into a virtual environment, once.

The needs stand at the top of each example, as inline script metadata; tools that read it run them as well.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE.parent / ".venv" / "examples"
METADATA = re.compile(r"^# /// script\n(?P<lines>(?:#.*\n)+?)# ///$", re.MULTILINE)


def needs(example: Path) -> list[str]:
    """The requirements of an example; and this repository, in the place of the published package."""
    found = METADATA.search(example.read_text(encoding="utf-8"))
    lines = found["lines"].splitlines() if found else []
    wanted: list[str] = tomllib.loads("\n".join(line[2:] for line in lines)).get("dependencies", [])
    return [*(name for name in wanted if name != "otel-sessions"), "--editable", str(HERE.parent)]


def main() -> int:
    names = sorted(path.stem for path in HERE.glob("*.py") if path != Path(__file__).resolve())
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print(f"usage: python {sys.argv[0]} {{{','.join(names)}}} [ARGUMENT]...", file=sys.stderr)
        return 2
    example = HERE / f"{sys.argv[1]}.py"
    python = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *needs(example)], check=True)
    return subprocess.run([python, example, *sys.argv[2:]], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
