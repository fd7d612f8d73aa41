# SPDX-License-Identifier: Apache-2.0
"""What a settings class says of the values below it, read off its annotations."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def alternatives(annotation: Any) -> list[Any]:
    """The members of a union, without the wrappers of `Annotated` and type aliases."""
    if hasattr(annotation, "__value__"):
        return alternatives(annotation.__value__)
    if get_origin(annotation) is Annotated:
        return alternatives(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        return [found for member in get_args(annotation) for found in alternatives(member)]
    return [annotation]


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The first settings class among the alternatives."""
    for member in alternatives(annotation):
        if isinstance(member, type) and issubclass(member, BaseModel):
            return member
    return None


def takes_none(annotation: Any) -> bool:
    return any(
        member in {None, type(None), Any, typing.Any}
        for member in alternatives(annotation)
        if (getattr(type(member), "__hash__", None) is not None)
    )


def keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields by the key that a configuration writes."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def below(annotation: Any, step: str | int) -> Any:
    """The annotation of a key or an item; None when nothing is known of it."""
    model = model_of(annotation)
    if model is not None:
        field = keys(model).get(str(step))
        return field.annotation if field is not None else None
    for member in alternatives(annotation):
        origin, arguments = get_origin(member), get_args(member)
        if not isinstance(origin, type) or not arguments:
            continue
        if issubclass(origin, Mapping) == isinstance(step, str) and issubclass(
            origin, (Mapping, Sequence, set, frozenset)
        ):
            return arguments[-1] if isinstance(step, str) else arguments[0]
    return None
