"""`--set PATH=VALUE`."""

from __future__ import annotations

from typing import Any

from otel_sessions.config.document import parse
from otel_sessions.errors import ConfigError, Fault

_SHAPE = "write PATH=VALUE, as in --set receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0"


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
