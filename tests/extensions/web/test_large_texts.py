from __future__ import annotations

from pathlib import Path

import pytest

from otel_sessions.testing.otlp import START, span
from tests.extensions.web.conftest import Api

MIB = 1 << 20
COUNT = 8
TEXT = 5 * MIB
CLEAR = Path("/proc/self/clear_refs")


def store(api: Api, count: int = COUNT, nbytes: int = TEXT) -> None:
    for number in range(count):
        made = span("long", start=START + number, attributes={"session.id": "s", "input.value": f"{number}" * nbytes})
        api.store(made)


def most_mib() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) >> 10


def test_a_page_of_spans_ends_where_it_has_some_mib_and_the_next_goes_on(api: Api) -> None:
    store(api, 5, 3 * MIB)
    found: list[str] = []
    sizes, cursor = [], None
    while cursor or not sizes:
        page = api.get("/sessions/s/spans", **({"cursor": cursor} if cursor else {}))
        sizes.append(len(page["spans"]))
        found += [each["span_attributes"]["input.value"][0] for each in page["spans"]]
        cursor = page["next_cursor"]
    assert found == ["0", "1", "2", "3", "4"]
    assert 1 < len(sizes) <= 5
    assert all(sizes)
    whole = api.get("/sessions/s/spans", preview=10)["spans"]
    assert [each["span_attributes_length"]["input.value"] for each in whole] == [3 * MIB] * 5
    assert {len(each["span_attributes"]["input.value"]) for each in whole} == {10}


@pytest.mark.skipif(not CLEAR.exists(), reason="this system does not tell")
@pytest.mark.parametrize("path", ["/sessions/s/spans?preview=100", "/sessions/s/spans"])
def test_reading_long_texts_takes_memory_for_a_few_of_them(api: Api, path: str) -> None:
    store(api)
    api.get("/sessions/s")
    CLEAR.write_text("5")
    before = most_mib()
    assert api.get(path)
    assert most_mib() - before < 180
