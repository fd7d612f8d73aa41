"""The answer of `EXPLAIN AST` as nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_CHILDREN = re.compile(r" \(children \d+\)$")


@dataclass(slots=True)
class Node:
    """`kind` is the first word of its line, `name` the rest without alias and number of children."""

    kind: str
    name: str
    alias: str = ""
    children: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[tuple[Node, Node | None]]:
        """Every node with its parent, this one first."""
        stack: list[tuple[Node, Node | None]] = [(self, None)]
        while stack:
            node, parent = stack.pop()
            yield node, parent
            stack.extend((child, node) for child in reversed(node.children))

    def of(self, *kinds: str) -> list[Node]:
        return [child for child in self.children if child.kind in kinds]


def parse(text: str) -> Node:
    """`text` is `EXPLAIN AST` in a raw format: a node a line, one space of indentation a level.

    Raises ValueError for anything else.
    """
    path: list[Node] = []
    for line in filter(None, text.split("\n")):
        depth = len(line) - len(line.lstrip(" "))
        node = _node(line[depth:])
        if depth > len(path) or (depth == 0 and path):
            raise ValueError("not a syntax tree")
        del path[depth:]
        if path:
            path[-1].children.append(node)
        path.append(node)
    if not path:
        raise ValueError("an empty syntax tree")
    return path[0]


def _node(line: str) -> Node:
    kind, _, rest = line.partition(" ")
    if rest.startswith("(children "):
        return Node(kind, "")
    name, _, alias = _CHILDREN.sub("", rest).partition(" (alias ")
    return Node(kind, name, alias.removesuffix(")"))
