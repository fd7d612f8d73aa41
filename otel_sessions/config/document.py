# SPDX-License-Identifier: Apache-2.0
"""A configuration before it has types: documents and `--set` to maps, lists and scalars, and the paths into them.

YAML is read up to its nodes by PyYAML; from there on it is YAML 1.2's core types, nothing executable, everything
bounded. As in the Collector (yaml.v3) `on`, `off`, `yes` and `no` are text, which a true-or-false setting takes all the
same. Stricter than PyYAML: a key twice, a key that is not text and an unknown tag are faults, each with its line and
column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path as File
from typing import Any, ClassVar

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from otel_sessions.errors import ConfigError, Fault

Path = tuple[str | int, ...]
"""Of a value in a configuration: keys, and numbers of items."""
MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_VALUES = 100_000  # after aliases are followed
DEFAULT_CONFIG = """\
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "127.0.0.1:4317"}
      http: {endpoint: "127.0.0.1:4318"}
processors:
  session: {}
exporters:
  clickhouse:
    endpoint: "chdb://./otel-sessions-data"  # or http(s)://user:password@host:8123/database
    sending_queue: {storage: wal}
extensions:
  web: {endpoint: "127.0.0.1:8080"}  # pages and REST
  clickhouse_http: {endpoint: "127.0.0.1:8123"}  # read-only SQL over the embedded engine
  health_check: {endpoint: "127.0.0.1:13133"}
service:
  extensions: [web, clickhouse_http, health_check]
  pipelines:
    traces: {receivers: [otlp], processors: [session], exporters: [clickhouse]}
  telemetry: {metrics: {endpoint: "127.0.0.1:8888"}}
"""
"""The YAML document that is read where no file is given."""
_SHAPE = "write PATH=VALUE, as in --set receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0"
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


class _Loader(yaml.SafeLoader):
    """Resolves the types of YAML 1.2 and bounds the depth; its nodes are taken, not its values."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]  # not YAML 1.1's
    _depth = 0

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
    """Makes values of a graph of nodes; what is wrong with them is in `faults`, and None or left out in the values."""

    def __init__(self, name: str) -> None:
        self.faults: list[Fault] = []
        self._name = name
        self._left = MAX_VALUES

    def value(self, node: Node, depth: int = 0) -> Any:
        """The value of a node, None where it is faulty; `ConfigError` where it is too large to go on."""
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise ConfigError([Fault(self._at(node), "the document is too large once its aliases are followed")])
        if isinstance(node, MappingNode):
            return self._map(node, depth + 1)
        if isinstance(node, SequenceNode):
            self._expect(node, "seq")
            return [self.value(item, depth + 1) for item in node.value]
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

    def _map(self, node: MappingNode, depth: int) -> dict[str, Any]:
        self._expect(node, "map")
        inherited: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                # `<<: *map` or `<<: [*first, *second]`, where the first wins
                for item in value_node.value if isinstance(value_node, SequenceNode) else [value_node]:
                    value = self.value(item, depth)
                    if isinstance(value, dict):
                        inherited = value | inherited
                    else:
                        self._fault(item, "`<<` takes a map, or a list of maps")
                continue
            key = self.value(key_node) if isinstance(key_node, ScalarNode) else None
            if not isinstance(key, str):
                self._fault(key_node, "a key must be text; put it in quotes")
                key = None
            elif key in own:
                self._fault(key_node, f"the key {key!r} stands here a second time")
            value = self.value(value_node, depth)
            if key is not None:
                own[key] = value
        return inherited | own

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
        before = text[: error.position]
        place = f"{name}:{before.count(chr(10)) + 1}:{error.position - before.rfind(chr(10))}"
        raise ConfigError([Fault(place, "a character that YAML does not allow")]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.problem, error.context) if part) or "not valid YAML"
        if "'\\t'" in message:
            message = "a tab; YAML is indented with spaces"
        raise ConfigError([Fault(_position(name, mark) if mark else name, message)]) from None
    except (ValueError, OverflowError, RecursionError):  # PyYAML's own, as for "\UFFFFFFFF"
        raise ConfigError([Fault(name, "not valid YAML")]) from None
    builder = _Builder(name)
    value = None if node is None else builder.value(node)
    if builder.faults:
        raise ConfigError(builder.faults)
    return value


def read(path: File) -> dict[str, Any]:
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


def assignment(text: str, number: int) -> dict[str, Any]:
    """The map that `a.b=VALUE` or `a::b=VALUE` stands for; VALUE is YAML.

    With `::` in it a path is split there only, so that names may have dots. `number` counts from 1 and names the option
    in the `ConfigError` about a malformed one, whose text is not repeated: it may hold a secret.
    """
    path, equals, value = text.partition("=")
    keys = path.strip().split("::" if "::" in path else ".")
    if not equals or not all(keys):
        raise ConfigError([Fault(f"--set number {number}", _SHAPE)])
    tree: Any = parse(value, f"--set {path.strip()}")
    for key in reversed(keys):
        tree = {key: tree}
    assert isinstance(tree, dict)
    return tree


def _position(name: str, mark: Any) -> str:
    return f"{name}:{mark.line + 1}:{mark.column + 1}"


# Trees of maps, lists and scalars, and the paths into them


def dotted(path: Path) -> str:
    """`receivers.otlp.protocols`, `service.extensions[0]`; a key that would break a line is quoted."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + shown(step)
    return text


def shown(key: str) -> str:
    """The key itself, or its JSON text when it is empty or has white space or control characters in it."""
    plain = key.isprintable() and key and " " not in key
    return key if plain else json.dumps(key)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both, as the Collector merges: maps merge at every depth, anything else in `over` replaces. Inputs stay as is."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = merge(below, value)  # noqa: PLW2901
        merged[key] = value
    return merged


def get(tree: Any, path: Path) -> Any:
    """What stands at `path`, which must exist."""
    for step in path:
        tree = tree[step]
    return tree


def put(tree: Any, path: Path, value: Any) -> Any:
    """A copy of `tree` with `value` at `path`, which must exist."""
    if not path:
        return value
    copy: Any = dict(tree) if isinstance(tree, Mapping) else list(tree)
    copy[path[0]] = put(tree[path[0]], path[1:], value)
    return copy


def has(tree: Any, step: str | int) -> bool:
    """Whether one step leads anywhere from here."""
    if isinstance(tree, Mapping):
        return step in tree
    return isinstance(tree, list) and isinstance(step, int) and 0 <= step < len(tree)


def given_by(files: Sequence[File], sets: Sequence[str]) -> dict[str, Any]:
    """The map that all files and `--set` options make together, in this order; `{}` without any.

    Raises `ConfigError` with the faults of each of them.
    """
    steps: list[Callable[[], dict[str, Any]]] = [partial(read, file) for file in files]
    steps += [partial(assignment, text, number) for number, text in enumerate(sets, 1)]
    tree: dict[str, Any] = {}
    faults: list[Fault] = []
    for step in steps:
        try:
            tree = merge(tree, step())
        except ConfigError as error:
            faults += error.faults
    if faults:
        raise ConfigError(faults)
    return tree
