# SPDX-License-Identifier: Apache-2.0
"""What pydantic finds wrong with a value, in words for whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self

from pydantic import BaseModel, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from otel_sessions.errors import hint, near

_EXPECTED: Final = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "frozen_set": "a list",
    "dict": "a map",
    "mapping": "a map",
    "model": "a map",
    "dataclass": "a map",
    "datetime": "a time as in 2026-01-31T10:00:00Z",
}
_BOUNDS: Final = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
}
_SHOWN: Final = 100
_SAID: Final = "said"


def message(detail: ErrorDetails, known: Sequence[str] = (), shown: Callable[[Any], str] | None = None) -> str:
    """What is wrong, and the nearest word that would be right; `known` are the keys beside one that is unknown.

    `shown` says how values are named: by their kind, unless told otherwise, as they may be secrets.
    """
    type_, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    instead = f", not {shown(value)}" if shown else ""
    match type_:
        case "missing":
            said = "is required"
        case "extra_forbidden":
            said = unknown_key(str(detail["loc"][-1]), known)
        case "value_error" | "assertion_error" if "error" in context:
            said = str(context["error"])
        case "literal_error" | "enum":
            words = re.findall(r"'([^']*)'", str(context["expected"]))
            said = f"expected {context['expected']}{instead}{near(value, words) if isinstance(value, str) else ''}"
        case "string_too_short":
            said = f"expected {context['min_length']} characters or more"
        case "string_too_long":
            said = f"expected at most {context['max_length']} characters"
        case "too_short":
            said = f"expected {context['min_length']} or more of them, not {context['actual_length']}"
        case "finite_number":
            said = "expected a finite number"
        case _:
            said = _expected(type_, context, value, shown or kind_of) or re.sub(r"^\w+ should", "should", detail["msg"])
    return said


def _expected(type_: str, context: Mapping[str, Any], value: Any, shown: Callable[[Any], str]) -> str:
    """What is said of a value of another kind, or out of its range; nothing of other faults."""
    if type_ in _BOUNDS:
        return f"expected {_BOUNDS[type_].format_map(context)}, not {str(value)[:_SHOWN]}"
    kind = re.sub(r"_(type|parsing|parsing_size|from_float|from_date_parsing|attributes_type)$", "", type_)
    return f"expected {_EXPECTED[kind]}, not {shown(value)}" if kind in _EXPECTED and kind != type_ else ""


class Plain(BaseModel):
    """Base of what is in a request: its `ValidationError` has the texts of `message`, which show values."""

    @model_validator(mode="wrap")
    @classmethod
    def _plainly(cls, value: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return validate(value)
        except ValidationError as error:
            known = [field.alias or name for name, field in cls.model_fields.items()]
            details = [_detail(each, known if len(each["loc"]) == 1 else ()) for each in error.errors()]
            raise ValidationError.from_exception_data(error.title, details) from None


def _detail(detail: ErrorDetails, known: Sequence[str]) -> InitErrorDetails:
    text = detail["msg"] if detail["type"] == _SAID else message(detail, known, value_of)
    return {
        "type": PydanticCustomError(_SAID, "{text}", {"text": text}),
        "loc": detail["loc"],
        "input": detail["input"],
    }


def unknown_key(key: str, known: Sequence[str]) -> str:
    """The message for a key that is none of `known`."""
    return f"is not a known key{hint(key, known)}" if known else "is not a known key"


def kind_of(value: Any) -> str:
    """What a plain value is, in the words of the messages."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    for type_, words in ((Mapping, "a map"), (list, "a list"), (str, "text"), ((int, float), "a number")):
        if isinstance(value, type_):
            return words
    return "this"


def value_of(value: Any) -> str:
    """A value itself, where it is short enough to be shown; else its kind."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return repr(value[:_SHOWN]) if isinstance(value, str) else str(value)[:_SHOWN]
    return kind_of(value)
