"""The site of the documentation is built without a warning, and its references have everything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from pydantic import BaseModel

from otel_sessions.component import GROUPS
from otel_sessions.config.plugins import EntryPoints
from otel_sessions.config.typed import keys, model_of
from tests.test_repo import PUBLIC

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is built; a link that leads nowhere, an anchor too, and a page that is in no menu are warnings."""
    target = tmp_path_factory.mktemp("site")
    command = [str(Path(sys.executable).parent / "mkdocs"), "build", "--strict", "--site-dir", str(target)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=100)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "WARNING" not in done.stderr
    return target


def codes(page: Path) -> set[str]:
    return {unescape(text) for text in re.findall(r"<code>([^<]+)</code>", page.read_text(encoding="utf-8"))}


def paths(model: type[BaseModel], above: str = "") -> Iterator[str]:
    for key, field in keys(model).items():
        yield above + key
        if (below := model_of(field.annotation)) is not None:
            yield from paths(below, f"{above}{key}.")


def test_the_reference_of_the_configuration_has_every_key(site: Path) -> None:
    shown = codes(site / "reference/configuration/index.html")
    registry = EntryPoints()
    for kind in GROUPS:
        for type_ in registry.types(kind):
            factory = registry.factory(kind, type_, type_)
            if not factory.replaced_by:
                assert set(paths(factory.config)) - shown == set(), f"{kind} {type_}"


def test_every_key_of_the_reference_is_explained(site: Path) -> None:
    text = (site / "reference/configuration/index.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr>\s*<td>(.*?)</td>\s*<td>.*?</td>\s*<td>(.*?)</td>", text, re.DOTALL)
    assert len(rows) > 300
    assert [key for key, meaning in rows if not meaning] == [], "say it in config.example.yaml, beside the key"


def test_the_reference_of_sql_has_every_table_and_what_it_says_of_itself(site: Path) -> None:
    page = site / "reference/sql/index.html"
    assert set(PUBLIC) <= codes(page)
    assert "USD" in page.read_text(encoding="utf-8")


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|img|source)[^>]+(?:src|srcset)=\"?https?://[^\" >]+", text) == []
    assert re.findall(r"<link[^>]+stylesheet[^>]+href=\"?https?://", text) == []
