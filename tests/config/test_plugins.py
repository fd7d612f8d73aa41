"""Plugins are looked up by name, and one that cannot be had says why."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from otel_sessions.component import Factory, Settings
from otel_sessions.config import plugins
from otel_sessions.errors import ConfigError

good = Factory("good", Settings, print, "Does well.")
misnamed = Factory("other", Settings, print)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def entry(name: str, attribute: str) -> EntryPoint:
        return EntryPoint(name, f"{__name__}:{attribute}", "otel_sessions.receivers")

    entries = EntryPoints(
        [
            entry("good", "good"),
            entry("good", "good"),  # as an editable install beside its old metadata lists it
            entry("broken", "missing"),
            EntryPoint("absent", "no_such_module:factory", "otel_sessions.receivers"),
            entry("misnamed", "misnamed"),
            entry("twice", "good"),
            entry("twice", "misnamed"),
        ]
    )
    monkeypatch.setattr(plugins, "_declared", cache(lambda group: entries.select(group=group)))


@pytest.mark.usefixtures("installed")
def test_a_plugin_that_does_not_load_leaves_the_others_usable() -> None:
    assert plugins.EntryPoints().types("receivers") == ["absent", "broken", "good", "misnamed", "twice"]
    assert plugins.EntryPoints().factory("receivers", "good", "receivers.good") is good


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("type_", "message"),
    [
        ("broken", "receivers.x: the plugin 'broken' .* cannot be used: AttributeError"),
        ("absent", "the plugin 'absent' .* no_such_module is missing; install the plugin again, with the extra"),
        ("misnamed", "it is not a Factory of this name"),
        ("twice", "several plugins are called 'twice'"),
        ("nope", "unknown receiver type 'nope'; there are: absent, broken, good, misnamed, twice"),
    ],
)
def test_a_type_that_cannot_be_had_is_a_fault_that_says_why(type_: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plugins.EntryPoints().factory("receivers", type_, "receivers.x")


def test_what_one_of_our_own_lacks_is_said_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "otel_sessions.exporters.debug", None)
    with pytest.raises(ConfigError, match=r"install otel-sessions again, .* pip install '\.\[embedded\]' in its clone"):
        plugins.EntryPoints().factory("exporters", "debug", "exporters.debug")


def test_a_plugin_that_is_installed_later_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="unknown receiver type 'good'"):
        plugins.EntryPoints().factory("receivers", "good", "receivers.good")
    facts = tmp_path / "late-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: late\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(f"[otel_sessions.receivers]\ngood = {__name__}:good\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert plugins.EntryPoints().factory("receivers", "good", "receivers.good") is good
    plugins._declared.cache_clear()
