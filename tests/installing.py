"""Client libraries, each installed in a directory that the cache of pytest keeps; tests skip where that cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

INSTALL_S = 200
TEST_S = 600
"""How long a test may take that installs something: what is not cached comes at the speed of the network."""
RUN_S = 200


def python(directory: Path, *requirements: str, alone: Sequence[str] = ()) -> list[str]:
    """The command of a Python with these packages; skips the test where they cannot be installed.

    Those `alone` are installed without what they require. By uv, for a tenth of the CPU that pip takes, and by pip
    where that is configured otherwise, as for an index of its own.
    """
    interpreter = directory / "bin" / "python"
    if not _is_installed(directory, wanted := "\n".join((*requirements, *alone))):
        venv.create(directory, with_pip=False, clear=True)
        pip = [sys.executable, "-m", "pip", "--python", str(interpreter), "install", "--no-compile", "--quiet"]
        pip.append("--disable-pip-version-check")
        uv = [sys.executable, "-m", "uv", "pip", "install", "--python", str(interpreter), "--quiet", "--no-config"]
        if alone:
            _run([uv, pip], ["--no-deps", *alone], directory)
        _run([uv, pip], requirements, directory)
        (directory / "installed").write_text(wanted)
    return [str(interpreter)]


def javascript(directory: Path, *files: Path) -> list[str]:
    """The command of a Node in a directory with these files, a package.json first; skips the test where there is none.

    A program has to lie beside its packages: it is run from that directory.
    """
    needs("npm", "node")
    for file in files:
        shutil.copy(file, directory / ("package.json" if file.suffix == ".json" else file.name))
    if not _is_installed(directory, wanted := (directory / "package.json").read_text()):
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=0"]
        once(directory, wanted, command)
    return ["node"]


def needs(*programs: str) -> None:
    """Skips the test where one of these programs is not there."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program}")


def once(directory: Path, wanted: str, *commands: list[str]) -> None:
    """Runs the commands in the directory unless they have made `wanted` there; skips the test where they cannot."""
    if not _is_installed(directory, wanted):
        for command in commands:
            _run([command], [], directory)
        (directory / "installed").write_text(wanted)


def run(command: list[str], *, sent: str | None = None, **environment: str) -> str:
    """What a program prints, after it was `sent` something; AssertionError if it fails or speaks of an error."""
    hosts = {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}
    ended = subprocess.run(
        command,
        input=sent,
        check=False,
        capture_output=True,
        text=True,
        timeout=RUN_S,
        env={**os.environ, **hosts, **environment},
    )
    assert ended.returncode == 0, ended.stderr
    assert "rror" not in ended.stderr, ended.stderr
    return ended.stdout


def _is_installed(directory: Path, wanted: str) -> bool:
    done = directory / "installed"
    return done.exists() and done.read_text() == wanted


def _run(commands: Sequence[list[str]], arguments: Sequence[str], directory: Path) -> None:
    """Runs the first of these commands that can do it, with these arguments."""
    failed = ""
    for command in commands:
        try:
            subprocess.run(
                [*command, *arguments], cwd=directory, check=True, capture_output=True, text=True, timeout=INSTALL_S
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            failed = f"{error} {error.stderr or ''}"[:500]
        else:
            return
    pytest.skip(f"it cannot be installed: {failed}")
