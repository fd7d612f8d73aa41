# SPDX-License-Identifier: Apache-2.0
"""`${env:NAME}` as the Collector expands it (confmap's expand.go and its env provider).

- `${env:NAME}`, `${env:NAME:-default}`, and `${NAME}` for short; the default is for a variable that is not set at all.
- A value that is one reference and nothing else takes the type that the text has as YAML; within text it is text.
- What a variable holds is expanded in turn; references nest, the innermost first.
- `$$` is `$`, last of all; so `$${env:NAME}` is left as `${env:NAME}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from otel_sessions.config.document import Path, dotted, parse
from otel_sessions.errors import ConfigError, Fault

MAX_ROUNDS = 100
MAX_REFERENCES = 10_000
MAX_LENGTH = 1 << 20
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):(?!-)(?P<rest>.*)", re.DOTALL)


class Expander:
    """Expands one tree. Afterwards:

    `texts` has the text behind every value that was one reference, for settings that want text whatever it looks like;
    `faults` has the references that mean nothing, `warnings` a line for each variable that is not set.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.texts: dict[Path, str] = {}
        self.faults: list[Fault] = []
        self.warnings: list[str] = []
        self._unset: dict[Path, str] = {}
        self._environ = environ
        self._left = MAX_REFERENCES

    def expand(self, tree: Any, path: Path = ()) -> Any:
        """The tree with every reference replaced. Never raises."""
        if isinstance(tree, str) and "$" in tree:
            return self._text(tree, path)
        if len(path) > MAX_ROUNDS:
            self._fault(path, "expands without end")
            return None
        if isinstance(tree, Mapping):
            return {key: self.expand(value, (*path, key)) for key, value in tree.items()}
        if isinstance(tree, list):
            return [self.expand(value, (*path, index)) for index, value in enumerate(tree)]
        return tree

    def explain(self, fault: Fault) -> Fault:
        """The fault; where it is of a value whose variable is not set, with that."""
        for path, name in self._unset.items():
            if dotted(path) == fault.path:
                return Fault(fault.path, f"{fault.message} (the environment variable {name} is not set)")
        return fault

    def _text(self, text: str, path: Path) -> Any:
        for _ in range(MAX_ROUNDS):
            span = find_reference(text)
            if span is None:
                return text.replace("$$", "$")
            found = self._lookup(text[span], path)
            if found is None:
                return None
            if text[span] == text and not isinstance(value := _typed(found), str):
                self.texts[path] = found.replace("$$", "$")
                return self.expand(value, path)
            text = text[: span.start] + found + text[span.stop :]
            if len(text) > MAX_LENGTH:
                break
        self._fault(path, "expands without end")
        return None

    def _lookup(self, reference: str, path: Path) -> str | None:
        """The text for a reference; None with a fault when it means nothing."""
        self._left -= 1
        if self._left < 0:
            self._fault(path, f"more than {MAX_REFERENCES} references to variables")
            return None
        body = reference[2:-1]
        if match := _SCHEME.fullmatch(body):
            if match["scheme"] != "env":
                self._fault(path, f"${{{match['scheme']}:...}} is not supported; write ${{env:NAME}}")
                return None
            body = match["rest"]
        name, has_default, default = body.partition(":-")
        if _NAME.fullmatch(name) is None:
            self._fault(path, f"{name!r} is not the name of an environment variable")
            return None
        value = self._environ.get(name, default if has_default else None)
        if value is None:
            self._unset[path] = name
            self.warnings.append(f"{dotted(path)}: the environment variable {name} is not set")
        return value or ""

    def _fault(self, path: Path, message: str) -> None:
        self.faults.append(Fault(dotted(path), message))


def find_reference(text: str) -> slice | None:
    """Where the first innermost `${...}` that is not escaped by an odd number of `$` before it stands, if any."""
    start = 0
    while (close := text.find("}", start)) >= 0:
        opened = text.rfind("${", start, close)
        if opened >= 0:
            before = text[start:opened]
            if (len(before) - len(before.rstrip("$"))) % 2 == 0:
                return slice(opened, close + 1)
        start = close + 1
    return None


def _typed(text: str) -> Any:
    """What the text is as YAML; text that YAML calls text, or cannot read, stays as it is to the letter."""
    try:
        value = parse(text, "")
    except ConfigError:
        return text
    return text if isinstance(value, str) else value
