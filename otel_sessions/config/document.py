"""One YAML document to plain values: YAML 1.2's core types, nothing executable, everything bounded.

As in the Collector (yaml.v3) `on`, `off`, `yes` and `no` are text, which a true-or-false setting takes all the same.
Stricter than PyYAML: a key twice, a key that is not text and an unknown tag are faults, each with its line and column.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from otel_sessions.errors import ConfigError, Fault

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_VALUES = 100_000  # after aliases are followed
_TAG = "tag:yaml.org,2002:"
_CORE = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    "merge": (r"<<", ["<"]),
}


class _Loader(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML up to its node graph, with a bound on depth."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self._depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


for _name, (_pattern, _first) in _CORE.items():
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"(?:{_pattern})\Z"), _first)


class _Builder:
    """Node graph to values; `faults` holds what is wrong and leaves the rest readable."""

    def __init__(self, name: str) -> None:
        self.faults: list[Fault] = []
        self._name = name
        self._left = MAX_VALUES

    def value(self, node: Node, depth: int = 0) -> Any:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise ConfigError([Fault(self._at(node), "the document is too large once its aliases are followed")])
        if isinstance(node, MappingNode):
            return self._map(node, depth + 1)
        if isinstance(node, SequenceNode):
            self._expect(node, "seq")
            return [self.value(item, depth + 1) for item in node.value]
        return self._scalar(node)

    def _map(self, node: MappingNode, depth: int) -> dict[str, Any]:
        self._expect(node, "map")
        inherited: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                inherited = self._inherited(value_node, depth) | inherited
                continue
            key = self._key(key_node, own)
            value = self.value(value_node, depth)
            if key is not None:
                own[key] = value
        return inherited | own

    def _inherited(self, node: Node, depth: int) -> dict[str, Any]:
        """Of `<<: *map` or `<<: [*first, *second]`, where the first wins."""
        found: dict[str, Any] = {}
        for item in node.value if isinstance(node, SequenceNode) else [node]:
            value = self.value(item, depth)
            if isinstance(value, dict):
                found = value | found
            else:
                self._fault(item, "`<<` takes a map, or a list of maps")
        return found

    def _key(self, node: Node, seen: dict[str, Any]) -> str | None:
        key = self.value(node) if isinstance(node, ScalarNode) else None
        if not isinstance(key, str):
            self._fault(node, "a key must be text; put it in quotes")
            return None
        if key in seen:
            self._fault(node, f"the key {key!r} stands here a second time")
        return key

    def _scalar(self, node: Node) -> Any:
        text: str = node.value
        if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
            self._fault(node, "not valid Unicode text")
            return ""
        try:
            return _of_type(node.tag.removeprefix(_TAG), text)
        except ValueError:
            self._fault(node, f"not a {node.tag.removeprefix(_TAG)}")
        except KeyError:
            self._fault(node, f"the tag {node.tag!r} is not allowed")
        return None

    def _expect(self, node: Node, type_: str) -> None:
        if node.tag != _TAG + type_:
            self._fault(node, f"the tag {node.tag!r} is not allowed here")

    def _fault(self, node: Node, message: str) -> None:
        self.faults.append(Fault(self._at(node), message))

    def _at(self, node: Node) -> str:
        return _position(self._name, node.start_mark)


def _of_type(type_: str, text: str) -> Any:
    """Raises ValueError when the text is not of the type, KeyError when there is no such type."""
    if type_ in {"str", "merge"}:
        return text
    if re.fullmatch(_CORE[type_][0], text) is None:
        raise ValueError(text)
    if type_ == "null":
        return None
    if type_ == "bool":
        return text.lower() == "true"
    if type_ == "int":
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


def parse(text: str, name: str) -> Any:
    """The value of the one document in `text`; None when it is empty.

    Raises `ConfigError` with every fault that could be found, as `name:line:column`.
    """
    try:
        node = _Loader(text).get_single_node()
    except ReaderError as error:
        raise ConfigError(
            [Fault(_offset(name, text, error.position), "a character that YAML does not allow")]
        ) from None
    except yaml.MarkedYAMLError as error:
        raise ConfigError([_syntax_fault(name, text, error)]) from None
    except (ValueError, OverflowError, RecursionError):  # PyYAML's own, as for "\UFFFFFFFF"
        raise ConfigError([Fault(name, "not valid YAML")]) from None
    builder = _Builder(name)
    value = None if node is None else builder.value(node)
    if builder.faults:
        raise ConfigError(builder.faults)
    return value


def read(path: Path) -> dict[str, Any]:
    """The map in a file; an empty file is an empty map. Raises `ConfigError` naming the file."""
    name = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError([Fault(name, f"cannot be read: {reason}")]) from error
    if len(content) > MAX_BYTES:
        raise ConfigError([Fault(name, f"larger than {MAX_BYTES} bytes")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([Fault(name, f"not UTF-8 text, at byte {error.start}")]) from None
    value = parse(text, name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError([Fault(f"{name}:1:1", "expected a map with receivers, exporters, service, ...")])
    return value


def _syntax_fault(name: str, text: str, error: yaml.MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    message = " ".join(part for part in (error.problem, error.context) if part) or "not valid YAML"
    if "'\\t'" in message:
        message = "a tab; YAML is indented with spaces"
    return Fault(_position(name, mark) if mark else name, message)


def _position(name: str, mark: Any) -> str:
    return f"{name}:{mark.line + 1}:{mark.column + 1}"


def _offset(name: str, text: str, position: int) -> str:
    before = text[:position]
    return f"{name}:{before.count(chr(10)) + 1}:{position - before.rfind(chr(10))}"
