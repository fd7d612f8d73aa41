"""`make` on a machine that is not ready: it says what is missing, and leaves nothing half-made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def make(target: str, venv: Path, path: Path | None = None, *more: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "MAKEFLAGS": ""}
    if path is not None:
        environ["PATH"] = f"{path}:{environ['PATH']}"
    return subprocess.run(
        ["make", "-C", str(ROOT), target, f"VENV={venv}", *more],
        check=False,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def python_of(version: str, path: Path) -> Path:
    """A Python that claims to be of another version."""
    claim = f"import sys; sys.version_info = {version}; exec(sys.argv[1])"
    return program(path, f'exec {sys.executable} -c "{claim}" "$2"')


@pytest.mark.parametrize("target", ["demo", "test", "lint"])
def test_an_old_python_is_named_and_no_environment_is_made(target: str, tmp_path: Path) -> None:
    python_of("(3, 10, 12)", tmp_path / "bin" / "python3")
    result = make(target, tmp_path / "venv", tmp_path / "bin")
    assert result.returncode != 0
    assert "needs Python 3.11 or newer, found 3.10" in result.stderr
    assert not (tmp_path / "venv").exists()


def test_no_python_at_all_is_said(tmp_path: Path) -> None:
    result = make("demo", tmp_path / "venv", None, "PYTHON=python4")
    assert result.returncode != 0
    assert "needs Python 3.11 or newer, found no python4" in result.stderr
    assert not (tmp_path / "venv").exists()


def test_an_environment_that_cannot_be_made_is_taken_away(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    makes_half = f'case "$1" in -m) mkdir -p {venv}/bin; exit 1;; *) exec {sys.executable} "$@";; esac'
    result = make("demo", venv, None, f"PYTHON={program(tmp_path / 'python', makes_half)}")
    assert result.returncode != 0
    assert "Setting up" in result.stdout
    assert not venv.exists()


def test_an_environment_without_its_packages_is_taken_away(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    script = (
        f'case "$1$2" in -mvenv) mkdir -p {venv}/bin; cp "$0" {venv}/bin/python;; -mpip) exit 1;; '
        f'*) exec {sys.executable} "$@";; esac'
    )
    result = make("demo", venv, None, f"PYTHON={program(tmp_path / 'python', script)}")
    assert result.returncode != 0
    assert "could not be installed" in result.stderr
    assert not venv.exists()


def test_an_environment_of_another_python_is_made_anew(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    python_of("(3, 12, 1)", venv / "bin" / "python")
    (venv / ".installed-demo").touch()
    result = make("python", venv)
    assert result.returncode == 0, result.stderr
    assert "is of another Python" in result.stdout
    assert not venv.exists()


def test_an_environment_of_this_python_stays(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    program(venv / "bin" / "python", f'exec {sys.executable} "$@"')
    result = make("python", venv, None, f"PYTHON={sys.executable}")
    assert result.returncode == 0, result.stderr
    assert venv.exists()
