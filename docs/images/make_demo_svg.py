"""Makes docs/images/demo.svg: runs the demo on a console that records. Needs the default ports free."""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from otel_sessions.cli.demo import present


def main() -> None:
    target = Path(__file__).resolve().parent / "demo.svg"
    console = Console(
        record=True,
        file=io.StringIO(),
        width=108,
        force_terminal=True,
        force_interactive=False,
        color_system="truecolor",
        highlight=False,
        markup=False,
        emoji=False,
    )
    sys.argv[0] = "otel-sessions"
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        present(console, once=True)
    svg = console.export_svg(title="otel-sessions demo", theme=MONOKAI)
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # no font from the network
    target.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
