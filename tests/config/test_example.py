"""`config.example.yaml` is the reference of every key: complete, valid, and true about the defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from otel_sessions.component import GROUPS, ComponentId, Factory, Kind
from otel_sessions.config import load
from otel_sessions.config.document import dotted, parse
from otel_sessions.config.model import ServiceSettings
from otel_sessions.config.plugins import EntryPoints
from otel_sessions.config.typed import keys, model_of

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
TYPES: list[tuple[Kind, str]] = [
    (kind, type_)
    for kind in GROUPS
    for type_ in EntryPoints().types(kind)
    if not EntryPoints().factory(kind, type_, type_).replaced_by
]


def everything() -> dict[str, Any]:
    """The example with the keys that are off: those behind a bare `#`."""
    text = re.sub(r"(?m)^( *)#(?=\w)", r"\1", EXAMPLE.read_text(encoding="utf-8"))
    tree = parse(text, "config.example.yaml")
    assert isinstance(tree, dict)
    return tree


def paths(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, field in keys(model).items():
        yield (*path, key)
        below = model_of(field.annotation)
        if below is not None:
            yield from paths(below, (*path, key))


def missing(model: type[BaseModel], *trees: Any) -> list[str]:
    """The keys of the model that none of the trees has."""

    def there(tree: Any, path: tuple[str, ...]) -> bool:
        return not path or (isinstance(tree, dict) and path[0] in tree and there(tree[path[0]], path[1:]))

    return [dotted(path) for path in paths(model) if not any(there(tree, path) for tree in trees)]


def factory(kind: Kind, type_: str) -> Factory[Any]:
    return EntryPoints().factory(kind, type_, type_)


@pytest.mark.parametrize(("kind", "type_"), TYPES)
def test_every_key_of_every_component_is_in_the_example(kind: Kind, type_: str) -> None:
    section = everything()[kind]
    examples = [settings for id_, settings in section.items() if ComponentId.parse(id_).type == type_]
    assert examples
    assert missing(factory(kind, type_).config, *examples) == []


def test_every_key_of_the_service_is_in_the_example() -> None:
    assert missing(ServiceSettings, everything()["service"]) == []


def test_the_example_is_valid() -> None:
    assert load([EXAMPLE]).warnings == ()


def test_the_example_tells_the_defaults() -> None:
    example, default = load([EXAMPLE]), load()
    assert example.service == default.service
    for kind in GROUPS:
        assert example.settings(kind) == default.settings(kind)


def test_every_component_of_the_default_configuration_can_be_had() -> None:
    default = load()
    for kind in GROUPS:
        assert {id_.type for id_ in default.used(kind)} <= set(EntryPoints().types(kind))
