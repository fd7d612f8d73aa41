"""Langfuse's own SDKs, each installed in a directory that the cache of pytest keeps, and a service for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import yaml

from tests.integration.running import Directory, Running, config

SAMPLES = Path(__file__).parent
INSTALL_S = 100


def python(directory: Path, requirement: str) -> list[str]:
    """The command of a Python with the SDK; skips the test where it cannot be installed."""
    interpreter, done = directory / "bin" / "python", directory / "installed"
    if not done.exists():
        venv.create(directory, with_pip=False, clear=True)
        pip = [sys.executable, "-m", "pip", "--python", str(interpreter), "install", "--no-compile", "--quiet"]
        _install([*pip, "--disable-pip-version-check", requirement], directory)
        done.touch()
    return [str(interpreter)]


def javascript(directory: Path) -> list[str]:
    """The command of a Node in a directory with the SDK and its sample; skips the test where there is none."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("there is no node and npm")
    for name in ("package.json", "sessions.mjs"):
        shutil.copy(SAMPLES / name, directory)
    if not (directory / "installed").exists():
        _install(["npm", "install", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=0"], directory)
        (directory / "installed").touch()
    return ["node"]


def run(running: Running, command: list[str], sample: Path) -> str:
    """What a sample prints, whose SDK knows the service by its environment variables alone."""
    url = f"http://{running.endpoints['otlp/http']}"
    keys = {"LANGFUSE_PUBLIC_KEY": "pk-lf-test", "LANGFUSE_SECRET_KEY": "sk-lf-test"}
    hosts = {"LANGFUSE_HOST": url, "LANGFUSE_BASE_URL": url, "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}
    ended = subprocess.run(
        [*command, str(sample)],
        check=False,
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, **keys, **hosts, "LANGFUSE_TRACING_ENVIRONMENT": "test"},
    )
    assert ended.returncode == 0, ended.stderr
    assert "rror" not in ended.stderr, ended.stderr
    return ended.stdout


def serving(directory: Directory) -> Running:
    """A service with OTLP over HTTP and gRPC, whose spans are stored when they are answered."""
    parts = yaml.safe_load(config(directory.data()))
    parts["receivers"]["otlp"]["protocols"]["http"] = {"endpoint": "127.0.0.1:0"}
    return directory.start(yaml.safe_dump(parts))


def _install(command: list[str], directory: Path) -> None:
    try:
        subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True, timeout=INSTALL_S)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"the SDK cannot be installed: {error} {error.stderr or ''}"[:500])
