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
PYTHON = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin") / "python"
METADATA = re.compile(r"^# /// script\n(?P<lines>(?:#.*\n)+?)# ///$", re.MULTILINE)


def needs(example: Path) -> list[str]:
    """The requirements of an example; and this repository, in the place of the published package."""
    found = METADATA.search(example.read_text(encoding="utf-8"))
    lines = found["lines"].splitlines() if found else []
    wanted: list[str] = tomllib.loads("\n".join(line[2:] for line in lines)).get("dependencies", [])
    return [*(name for name in wanted if name != "otel-sessions"), f"--editable={HERE.parent}"]


def main() -> int:
    names = sorted(path.stem for path in HERE.glob("*.py") if path != Path(__file__).resolve())
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print(f"usage: python {sys.argv[0]} {{{','.join(names)}}} [ARGUMENT]...", file=sys.stderr)
        return 2
    example = HERE / f"{sys.argv[1]}.py"
    install(needs(example))
    return subprocess.run([PYTHON, example, *sys.argv[2:]], check=False).returncode


def install(wanted: list[str]) -> None:
    """What is not there yet; `.venv/examples/installed.txt` has what is."""
    if not PYTHON.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    noted = ENVIRONMENT / "installed.txt"
    installed = noted.read_text(encoding="utf-8").splitlines() if noted.exists() else []
    missing = [each for each in wanted if each not in installed]
    if missing:
        print(f"installing into {ENVIRONMENT}, once: {' '.join(missing)}", file=sys.stderr, flush=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", *wanted], check=True)
        noted.write_text("\n".join(dict.fromkeys([*installed, *wanted])), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
