# SPDX-License-Identifier: Apache-2.0
"""A map of plain values to a component's `Settings`, or to faults in words for whoever wrote it.

Pydantic asks a class what its values have against each other only once each of them is right, and asks no further once
a check has refused. Whoever writes a configuration wants them all at once: `cross_faults` finds these.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, LiteralString, Self, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ModelWrapValidatorHandler, TypeAdapter, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from otel_sessions.config.document import Path, dotted, get, has, put
from otel_sessions.errors import ConfigError, Fault, OtelSessionsError, hint, near

M = TypeVar("M", bound=BaseModel)
Told = list[tuple[Path, str]]
_LEFT_OUT: Final = object()
_FAULTY: Final = object()
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
_KIND: Final = re.compile(r"_(type|parsing|parsing_size|from_float|from_date_parsing|attributes_type)$")
"""The ends of pydantic's words for a value of another kind than is wanted."""
_SHOWN: Final = 100
_SAID: Final = "said"


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
            # Of a list with faulty items pydantic counts the others; whether it is too short shows once they are right.
            if detail["type"] != "too_short" or not any(o != place and o[: len(place)] == place for o in places)
        ]
        told += cross_faults(model, swapped, [place for place, _ in told])
        found = [Fault(dotted((*path, *place)), text) for place, text in told]
        raise ConfigError(list(dict.fromkeys(found))) from None


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
        """An object without the fields that are not right: asked for one of these, it raises AttributeError."""
        fields = {}
        for key, field in keys(model).items():
            if (*path, key) in self._around:
                fields[key] = self.made(field.annotation, value.get(key), (*path, key))
            else:
                given = value[key] if key in value else field.get_default(call_default_factory=True, validated_data={})
                annotation: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
                try:
                    fields[key] = TypeAdapter(annotation).validate_python(given)
                except Exception:  # noqa: BLE001 - told where the whole is validated
                    fields[key] = _FAULTY
        names = {field.alias or name: name for name, field in model.model_fields.items()}
        made = model.model_construct()
        made.__dict__.clear()
        made.__dict__.update({names[key]: item for key, item in fields.items() if item is not _FAULTY})
        for name, check in model.__pydantic_decorators__.model_validators.items():
            if check.info.mode == "after":
                try:
                    getattr(made, name)()
                except ValueError as error:
                    self.told.append((path, str(error)))
                except Exception:  # noqa: BLE001, S112 - it asked for what is not there, or does what only a whole one can
                    continue
        return made


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
        case "string_unicode":
            said = "expected text that UTF-8 can say, not half of a surrogate pair"
        case _:
            said = _expected(type_, context, value, shown or kind_of) or re.sub(r"^\w+ should", "should", detail["msg"])
    return said


def _expected(type_: str, context: Mapping[str, Any], value: Any, shown: Callable[[Any], str]) -> str:
    """The message for a value of another kind, or out of its range; empty for other faults."""
    if type_ in _BOUNDS:
        return f"expected {_BOUNDS[type_].format_map(context)}, not {str(value)[:_SHOWN]}"
    kind = _expected_kind(type_)
    return f"expected {kind}, not {shown(value)}" if kind else ""


def _expected_kind(type_: str) -> str:
    kind = _KIND.sub("", type_)
    return _EXPECTED.get(kind, "") if kind != type_ else ""


class Plain(BaseModel):
    """Base of what is in a request: its `ValidationError` has the texts of `message`, which show values."""

    @model_validator(mode="wrap")
    @classmethod
    def _plainly(cls, value: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return validate(value)
        except ValidationError as error:
            known = [field.alias or name for name, field in cls.model_fields.items()]
            told: dict[Path, list[ErrorDetails]] = {}
            for each in error.errors():
                told.setdefault(_place(value, each), []).append(each)
            details: list[InitErrorDetails] = []
            for place, faults in told.items():
                type_: LiteralString = "missing" if faults[0]["type"] == "missing" else _SAID
                for text in _texts(faults, known if len(place) == 1 else ()):
                    said = PydanticCustomError(type_, "{text}", {"text": text})
                    details.append({"type": said, "loc": place, "input": faults[0]["input"]})
            raise ValidationError.from_exception_data(error.title, details) from None


def fault_error(name: str, text: str) -> ValidationError:
    """What a check of the whole says of one member, which then has the fault by its name."""
    said = PydanticCustomError(_SAID, "{text}", {"text": text})
    return ValidationError.from_exception_data("", [{"type": said, "loc": (name,), "input": None}])


def _texts(faults: Sequence[ErrorDetails], known: Sequence[str]) -> list[str]:
    """What is wrong at one place, where each member of a union says why a value is none of its own: what the member of
    its kind says, else of which kinds it may be.
    """
    texts = [each["msg"] if each["type"] == _SAID else message(each, known, value_of) for each in faults]
    kinds = [_expected_kind(each["type"]) for each in faults]
    if others := [text for text, kind in zip(texts, kinds, strict=True) if not kind]:
        return others
    *wanted, last = dict.fromkeys(kinds)
    return [f"expected {', '.join(wanted)} or {last}, not {value_of(faults[0]['input'])}"] if wanted else texts[:1]


def unknown_key(key: str, known: Sequence[str]) -> str:
    """The message for a key that is none of `known`."""
    return f"is not a known key{hint(key, known)}" if known else "is not a known key"


def kind_of(value: Any) -> str:
    """The kind of a plain value, in the words of the messages: `a map`, `text`, `nothing`."""
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
