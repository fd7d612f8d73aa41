# SPDX-License-Identifier: Apache-2.0
"""Faults that pydantic does not come to.

It asks a class what its values have against each other only once each of them is right, and asks no further once a
check has refused. Whoever writes a configuration wants them all at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from otel_sessions.config.annotations import below, keys, model_of
from otel_sessions.config.document import Path

_FAULTY: Final = object()
Told = list[tuple[Path, str]]


def cross_faults(model: type[BaseModel], value: Any, faulty: Sequence[Path]) -> Told:
    """What the checks of `model`, and of the classes below it, have against values that are right by themselves.

    `faulty` are the places where something is wrong. A check that asks for such a value says nothing.
    """
    checks = _Checks(faulty)
    checks.made(model, value, ())
    return checks.told


class _Checks:
    def __init__(self, faulty: Sequence[Path]) -> None:
        self.told: Told = []
        self._around = {place[:length] for place in faulty for length in range(len(place) + 1)}

    def made(self, annotation: Any, value: Any, path: Path) -> Any:
        """What validation would make of the value, with what is right of it; `_FAULTY` where nothing can be made."""
        model = model_of(annotation)
        if model is not None and isinstance(value, Mapping):
            return self._object(model, value, path)
        if isinstance(value, list):
            items = [self.made(below(annotation, index), item, (*path, index)) for index, item in enumerate(value)]
            return _FAULTY if any(item is _FAULTY for item in items) else items
        return _FAULTY

    def _object(self, model: type[BaseModel], value: Mapping[str, Any], path: Path) -> BaseModel:
        """One without the fields that are not right: asked for such a one, it raises AttributeError."""
        fields = {}
        for key, field in keys(model).items():
            if (*path, key) in self._around:
                fields[key] = self.made(field.annotation, value.get(key), (*path, key))
            else:
                given = value[key] if key in value else field.get_default(call_default_factory=True, validated_data={})
                fields[key] = _valid(field, given)
        names = {field.alias or name: name for name, field in model.model_fields.items()}
        made = model.model_construct()
        made.__dict__.clear()
        made.__dict__.update({names[key]: item for key, item in fields.items() if item is not _FAULTY})
        for name, check in model.__pydantic_decorators__.model_validators.items():
            if check.info.mode == "after":
                self._ask(made, name, path)
        return made

    def _ask(self, made: BaseModel, check: str, path: Path) -> None:
        try:
            getattr(made, check)()
        except ValueError as error:
            self.told.append((path, str(error)))
        except Exception:  # noqa: BLE001 - it asked for what is not there, or does what only a whole one can
            return


def _valid(field: FieldInfo, given: Any) -> Any:
    annotation: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    try:
        return TypeAdapter(annotation).validate_python(given)
    except Exception:  # noqa: BLE001 - told where the whole is validated
        return _FAULTY
