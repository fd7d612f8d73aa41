from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.config.expand import Expander

ENVIRON = {
    "TEXT": "abc",
    "NUMBER": "12",
    "EMPTY": "",
    "LIST": "[1, '${env:TEXT}']",
    "NAME": "TEXT",
    "AGAIN": "${env:NUMBER}",
    "DOLLARS": "a$$b",
    "SELF": "${env:SELF}",
    "GROWING": "${env:GROWING}${env:GROWING}",
    "NESTING": "- ${env:NESTING}\n- ${env:NESTING}",
}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("${env:TEXT}", "abc"),
        ("${TEXT}", "abc"),
        ("x-${env:TEXT}-${NUMBER}", "x-abc-12"),
        ("${env:NUMBER}", 12),
        ("${env:EMPTY}", None),
        ("${env:EMPTY:-x}", None),
        ("x${env:EMPTY}", "x"),
        ("${env:UNSET:-5}", 5),
        ("${UNSET:-five}", "five"),
        ("${env:UNSET:-}", None),
        ("${env:UNSET:-http://h:1}", "http://h:1"),
        ("${env:LIST}", [1, "abc"]),
        ("x${env:LIST}", "x[1, 'abc']"),
        ("${env:${env:NAME}}", "abc"),
        ("${env:AGAIN}", 12),
        ("$$", "$"),
        ("$TEXT", "$TEXT"),
        ("$${env:TEXT}", "${env:TEXT}"),
        ("$$${env:TEXT}", "$abc"),
        ("$$$${env:TEXT} ${env:TEXT}", "$${env:TEXT} abc"),
        ("${env:DOLLARS}", "a$b"),
        ("${env:TEXT", "${env:TEXT"),
        ("env:TEXT}", "env:TEXT}"),
    ],
)
def test_references_expand_as_in_the_collector(text: str, expanded: object) -> None:
    expander = Expander(ENVIRON)
    assert expander.expand({"a": [text]}) == {"a": [expanded]}
    assert expander.faults == []


@pytest.mark.parametrize("text", ["${}", "${env:}", "${1A}", "${env:a b}", "${file:x}", "${env:A-B}", "${x:y}"])
def test_a_reference_that_means_nothing_is_a_fault_at_its_path(text: str) -> None:
    expander = Expander(ENVIRON)
    expander.expand({"a": {"b c": [f"x{text}"]}})
    assert [fault.path for fault in expander.faults] == ['a."b c"[0]']


@pytest.mark.parametrize("name", ["SELF", "GROWING", "NESTING"])
def test_what_expands_without_end_is_a_fault(name: str) -> None:
    expander = Expander(ENVIRON)
    expander.expand({"a": f"${{env:{name}}}"})
    assert expander.faults


def test_an_unset_variable_is_nothing_with_a_warning() -> None:
    expander = Expander({})
    assert expander.expand({"a": "${env:A}", "b": "x${env:B}"}) == {"a": None, "b": "x"}
    assert expander.warnings == ["a: the environment variable A is not set", "b: the environment variable B is not set"]
    assert expander.texts == {("a",): ""}


pieces = st.lists(st.sampled_from(["${", "}", "$", "env:", ":-", "A", "B", "- ", "\n", "[", "]", ": ", "'"])).map(
    "".join
)


@given(st.text() | pieces, st.dictionaries(st.sampled_from("AB"), st.text() | pieces))
def test_expansion_never_raises(text: str, environ: dict[str, str]) -> None:
    Expander(environ).expand({"a": text, "b": [text]})


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_doubled_dollars_come_out_as_they_were(tree: Any) -> None:
    def doubled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: doubled(item) for key, item in value.items()}
        return value.replace("$", "$$") if isinstance(value, str) else value

    assert Expander({}).expand(doubled(tree)) == tree
