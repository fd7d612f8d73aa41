"""Every code of docs/otlp-checklist.md has a test that bears it, over each transport that it is about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_BOTH = {"A1", "A2", "A4", "A5", "A6", "A7"}
ITEMS = {
    "test_otlp_grpc*.py": _BOTH | {"G1", "G2", "G3", "G4", "G5"},
    "test_otlp_http*.py": _BOTH | {"H1", "H2", "H3", "H4", "H5", "H6", "H7", "H8"},
    "test_otlp_json*.py": {"A6", "H6", "J1", "J2", "J3", "J4", "J5"},
}
PAGE = Path(__file__).parents[2] / "docs" / "otlp-checklist.md"
_NAME = re.compile(r"^def test_((?:[A-J][0-9]_)+)", re.MULTILINE)


@pytest.mark.parametrize("files", ITEMS)
def test_every_item_of_the_checklist_has_a_test(files: str) -> None:
    text = "".join(path.read_text() for path in Path(__file__).parent.glob(files))
    codes = {code for name in _NAME.findall(text) for code in name.split("_") if code}
    assert codes >= ITEMS[files]


def test_every_code_of_a_test_stands_in_the_checklist_and_every_code_of_the_checklist_has_a_test() -> None:
    listed = re.findall(r"^\| ([A-J][0-9]) \|", PAGE.read_text(), re.MULTILINE)
    assert set(listed) == set().union(*ITEMS.values())
    assert len(listed) == len(set(listed))
