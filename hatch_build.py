# SPDX-License-Identifier: Apache-2.0
"""Builds what is not committed, into a wheel, or in place for an editable install.

The compiled decoder is built where there is a C compiler; without one the install goes on, and the reference decoder
takes its place. The definitions of our gRPC service become descriptors, which any version of protobuf can load.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

_FLAGS = ("-std=c11", "-O3", "-shared", "-fPIC", "-fvisibility=hidden")
_LIBRARY = "otel_sessions/pdata/_wire.so"
_DEFINITIONS = "otel_sessions/v1/sessions.proto"
_DESCRIPTORS = "otel_sessions/session_service/sessions.binpb"


class Compiled(BuildHookInterface):
    """`CC` and `CFLAGS` are heeded."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        self._compile_definitions(build_data)
        library = Path(self.root, _LIBRARY)
        library.unlink(missing_ok=True)
        if fault := _compiled(library.with_suffix(".c"), library):
            self.app.display_warning(f"no compiled decoder, the reference decoder will do: {fault}")
            return
        build_data["artifacts"].append(_LIBRARY)
        build_data["pure_python"] = False
        # It is loaded by ctypes: made for a platform, and for any Python.
        build_data["tag"] = f"py3-none-{_platform()}"

    def _compile_definitions(self, build_data: dict[str, Any]) -> None:
        """Raises what `protoc` says against them."""
        made = Path(self.root, _DESCRIPTORS)
        protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{Path(self.root, 'proto')}"]
        done = subprocess.run(  # noqa: S603
            [*protoc, f"--descriptor_set_out={made}", _DEFINITIONS], check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{_DEFINITIONS} does not compile: {done.stderr[-2000:]}")
        build_data["artifacts"].append(_DESCRIPTORS)


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
