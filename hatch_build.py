"""Builds the compiled decoder into a wheel, or in place for an editable install, where there is a C compiler.

Without one the install goes on: the reference decoder takes its place.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

_FLAGS = ("-std=c11", "-O3", "-shared", "-fPIC", "-fvisibility=hidden")
_LIBRARY = "otel_sessions/pdata/_wire.so"


class CompiledDecoder(BuildHookInterface):
    """`CC` and `CFLAGS` are heeded."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        library = Path(self.root, _LIBRARY)
        library.unlink(missing_ok=True)
        if fault := _compiled(library.with_suffix(".c"), library):
            self.app.display_warning(f"no compiled decoder, the reference decoder will do: {fault}")
            return
        build_data["artifacts"].append(_LIBRARY)
        build_data["pure_python"] = False
        # It is loaded by ctypes: made for a platform, and for any Python.
        build_data["tag"] = f"py3-none-{_platform()}"


def _compiled(source: Path, library: Path) -> str:
    """Compiles; returns why it could not, or nothing. A library is there in full or not at all."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    flags = [*_FLAGS, *shlex.split(os.environ.get("CFLAGS", ""))]
    with tempfile.TemporaryDirectory(dir=library.parent) as directory:
        made = Path(directory, library.name)
        try:
            subprocess.run([*compiler, *flags, "-o", made, source], check=True, capture_output=True, text=True)  # noqa: S603
            made.replace(library)
        except subprocess.CalledProcessError as exc:
            return f"{exc}: {exc.stderr[-2000:]}"
        except OSError as exc:
            return str(exc)
    return ""


def _platform() -> str:
    """The platform of this machine. A manylinux tag is for auditwheel to give."""
    return next(
        tag.platform for tag in sys_tags() if "manylinux" not in tag.platform and "musllinux" not in tag.platform
    )
