"""What is released: an sdist that installs without a compiler, a wheel with the decoder; and valid workflow files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from shutil import which

import pytest

from otel_sessions import _version

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
DECODER = "from otel_sessions.pdata import decoder; print(decoder())"
ASKED = "from otel_sessions.session_service.messages import DESCRIPTORS; print(DESCRIPTORS.exists())"


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What it prints; it must end well."""
    words = [str(each) for each in command]
    done = subprocess.run(
        words, check=False, capture_output=True, text=True, cwd=cwd, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source: Path, target: str, out: Path, **environment: str) -> Path:
    """The one file that hatchling makes of a source tree."""
    run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", out, cwd=source, **environment)
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of the sdist."""
    directory = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build(ROOT, "sdist", directory / "dist")) as archive:
        archive.extractall(directory, filter="data")
    (unpacked,) = directory.glob("otel_sessions-*")
    return unpacked


def installed(wheel: Path, target: Path) -> Path:
    """What an install of the wheel puts into site-packages: what is in it, as it is."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def test_the_sdist_has_what_an_install_needs_and_nothing_that_was_made_here(source: Path) -> None:
    names = {str(file.relative_to(source)) for file in source.rglob("*") if file.is_file()}
    assert {"pyproject.toml", "hatch_build.py", "LICENSE", "proto/otel_sessions/v1/sessions.proto"} <= names
    assert {"otel_sessions/pdata/_wire.c", "otel_sessions/py.typed"} <= names
    assert [name for name in names if name.endswith((".so", ".binpb", ".pyc")) or name.startswith("tests/")] == []
    assert source.name == f"otel_sessions-{_version.__version__}"


def test_the_sdist_installs_without_a_compiler(source: Path, tmp_path: Path) -> None:
    wheel = build(source, "wheel", tmp_path / "dist", CC="false")
    assert wheel.name.endswith("-py3-none-any.whl")
    site = installed(wheel, tmp_path / "site")
    assert run(sys.executable, "-c", DECODER, cwd=tmp_path, PYTHONPATH=str(site)) == "reference\n"
    assert run(sys.executable, "-c", ASKED, cwd=tmp_path, PYTHONPATH=str(site)) == "True\n"


@pytest.mark.skipif(which(os.environ.get("CC", "cc")) is None, reason="there is no C compiler")
def test_a_wheel_of_the_sdist_has_the_compiled_decoder_for_every_python(source: Path, tmp_path: Path) -> None:
    wheel = build(source, "wheel", tmp_path / "dist")
    assert re.fullmatch(r"otel_sessions-.+-py3-none-(?!any)\w+\.whl", wheel.name)
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"otel_sessions/pdata/_wire.so", "otel_sessions/session_service/sessions.binpb"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    site = installed(wheel, tmp_path / "site")
    assert run(sys.executable, "-c", DECODER, cwd=tmp_path, PYTHONPATH=str(site)) == "compiled\n"


def test_the_workflows_are_what_github_takes_and_name_what_there_is() -> None:
    checker = Path(sys.executable).parent / "check-jsonschema"
    run(checker, "--builtin-schema", "vendor.github-workflows", *WORKFLOWS, cwd=ROOT)
    for text in (file.read_text() for file in WORKFLOWS):
        assert "permissions: {contents: read}" in text
        scripts = re.findall(r"^ +- run: (\S+)", text, re.MULTILINE)
        assert [script for script in scripts if script.startswith(".") and not (ROOT / script).exists()] == []
