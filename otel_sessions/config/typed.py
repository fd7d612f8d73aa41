# SPDX-License-Identifier: Apache-2.0
"""A map of plain values to a component's `Settings`, or to faults that a person understands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from otel_sessions.config.annotations import alternatives, below, keys, model_of, takes_none
from otel_sessions.config.cross_checks import cross_faults
from otel_sessions.config.document import Path, dotted, get, has, put
from otel_sessions.config.faults import message
from otel_sessions.errors import ConfigError, Fault, OtelSessionsError

M = TypeVar("M", bound=BaseModel)
_LEFT_OUT = object()


def validate(model: type[M], value: Any, path: Path, texts: Mapping[Path, str]) -> M:
    """The settings that `value`, found at `path`, stands for.

    Nothing (`otlp:`) is the default where settings are, and a key without a value is as good as left out. `texts` has,
    by whole path, what environment variables held: where text is wanted it is taken to the letter.
    Raises `ConfigError` with all the faults.
    """
    value = _without_nothing(value, model, path, texts)
    try:
        return _attempt(model, value)
    except ValidationError as error:
        first = error
    swapped = value
    for detail in first.errors():
        place = _place(value, detail)
        if (*path, *place) in texts:
            swapped = put(swapped, place, texts[*path, *place])
    try:
        return _attempt(model, swapped)
    except ValidationError as error:
        details = [(_place(swapped, detail), detail) for detail in error.errors()]
        places = {place for place, _ in details}
        told = [
            (place, message(detail, _known(model, place[:-1])))
            for place, detail in details
            if detail["type"] != "too_short" or not _has_faulty_items(place, places)
        ]
        told += cross_faults(model, swapped, [place for place, _ in told])
        found = [Fault(dotted((*path, *place)), text) for place, text in told]
        raise ConfigError(list(dict.fromkeys(found))) from None


def _has_faulty_items(place: Path, places: Collection[Path]) -> bool:
    """Of a list with such items pydantic counts the others, and calls it too short: how many there are it says once
    they are mended."""
    return any(other != place and other[: len(place)] == place for other in places)


def _attempt(model: type[M], value: Any) -> M:
    """Raises `ValidationError` or `ConfigError`, whatever a plugin's validator raises."""
    try:
        return model.model_validate(value)
    except (ValidationError, ConfigError):
        raise
    except OtelSessionsError as error:
        raise ConfigError([Fault("", str(error))]) from error
    except Exception as error:
        raise ConfigError([Fault("", f"the check of the settings failed with {type(error).__name__}")]) from error


def _without_nothing(value: Any, annotation: Any, path: Path, texts: Mapping[Path, str]) -> Any:
    if value is None:
        # For a value of null; `text` is what a variable held. An empty one is text: no default stands in for it
        # unseen.
        text = texts.get(path)
        if model_of(annotation) is not None:
            return {}
        if text == "" or (text is not None and str in alternatives(annotation)):
            return text
        return None if annotation is None or takes_none(annotation) else _LEFT_OUT
    if isinstance(value, Mapping):
        items = {
            key: _without_nothing(item, below(annotation, key), (*path, key), texts) for key, item in value.items()
        }
        return {key: item for key, item in items.items() if item is not _LEFT_OUT}
    if isinstance(value, list):
        items_ = [_without_nothing(v, below(annotation, i), (*path, i), texts) for i, v in enumerate(value)]
        return [None if item is _LEFT_OUT else item for item in items_]
    return value


def _place(value: Any, detail: ErrorDetails) -> Path:
    """Pydantic's location without the steps that are not keys, such as the names of a union's members."""
    place: list[str | int] = []
    for step in detail["loc"]:
        if has(get(value, tuple(place)), step):
            place.append(step)
    if detail["type"] == "missing":
        place.append(detail["loc"][-1])
    return tuple(place)


def _known(model: type[BaseModel], place: Path) -> list[str]:
    annotation: Any = model
    for step in place:
        annotation = below(annotation, step)
    found = model_of(annotation)
    return list(keys(found)) if found is not None else []
