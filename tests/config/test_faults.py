"""Every file of testdata/config is a bad configuration; the comments at its top are the faults it must give."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import pytest

from otel_sessions.config import load
from otel_sessions.errors import ConfigError
from tests.config.plugins import Plugins

CASES = sorted((Path(__file__).parents[1] / "testdata" / "config").glob("*.yaml"))


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_every_fault_is_reported_with_its_path(file: Path) -> None:
    lines = takewhile(lambda line: line.startswith("# "), file.read_text(encoding="utf-8").splitlines())
    expected = [line[2:].replace("FILE", str(file)) for line in lines]
    with pytest.raises(ConfigError) as caught:
        load([file], registry=Plugins(), environ={})
    assert sorted(map(str, caught.value.faults)) == sorted(expected)


def test_faults_of_several_files_and_options_are_reported_together(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: [", encoding="utf-8")
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"a: \xe9\n")
    large = tmp_path / "large.yaml"
    large.write_bytes(b"# " + b"x" * (1 << 20))
    with pytest.raises(ConfigError) as caught:
        load(
            [tmp_path / "missing.yaml", bad, latin, large, tmp_path], ["a", "=1", "a..b=1", "a.b=["], registry=Plugins()
        )
    assert [fault.path.removeprefix(f"{tmp_path}/") for fault in caught.value.faults] == [
        "missing.yaml",
        "bad.yaml:1:5",
        "latin.yaml",
        "large.yaml",
        str(tmp_path),
        "--set number 1",
        "--set number 2",
        "--set number 3",
        "--set a.b:1:2",
    ]


def test_a_secret_that_a_plugin_repeats_is_hidden(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(sets=["exporters.clickhouse.endpoint=${env:DSN}"], registry=Plugins(), environ={"DSN": "me:hunter2@host"})
    assert str(caught.value) == "exporters.clickhouse.endpoint: '***@host' is not a URL"
