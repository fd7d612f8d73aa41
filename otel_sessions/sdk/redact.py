# SPDX-License-Identifier: Apache-2.0
"""Inputs and outputs on spans: what may be seen of them, also of those that were written before it was asked."""

from __future__ import annotations

import json
from typing import Any, Final
from weakref import WeakValueDictionary

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.trace import Span

from otel_sessions import semconv
from otel_sessions.sdk import serialize
from otel_sessions.sdk.safely import logger
from otel_sessions.sdk.serialize import Redact

_KEYS: Final = (
    semconv.OBSERVATION_INPUT,
    semconv.OBSERVATION_OUTPUT,
    semconv.TRACE_INPUT,
    semconv.TRACE_OUTPUT,
)
_hook: Redact | None = None
_written: Final[WeakValueDictionary[int, BoundedAttributes]] = WeakValueDictionary()
"""Attributes of the spans with contents that are open, or ended and held by an exporter."""
_out_of_reach = False


def write(span: Span, key: str, value: Any, limit: int = serialize.MAX_CHARS, instead: Redact | None = None) -> None:
    """Writes an input or output as `set_hook`'s hook, or the one of the call `instead` of it, lets it be seen."""
    if instead is not None:
        span.set_attribute(key, serialize.text(value, limit, instead))
        return
    global _out_of_reach  # noqa: PLW0603
    held = getattr(span, "_attributes", None)
    if type(held) is BoundedAttributes:
        _written[id(held)] = held
    else:  # another SDK's span, or another version's
        _out_of_reach = True
    while True:
        hook = _hook
        span.set_attribute(key, serialize.text(value, limit, hook))
        if hook is _hook:  # else another thread has set one meanwhile, and may have looked before this was written
            return


def set_hook(hook: Redact | None) -> None:
    """Sets what sees every input and output from now on, and lets it see those that were not exported yet.

    These it sees as they were written: text, or what JSON says of other values.
    """
    global _hook  # noqa: PLW0603 - one for the process
    _hook = hook
    if hook is None:
        return
    if _out_of_reach:
        logger.warning("redact has no effect on the spans that were recorded before it was given")
    for held in [ref() for ref in _written.valuerefs()]:
        if held is not None:
            # past `BoundedAttributes`' own methods: the spans have ended, and so take no more attributes
            for key in _KEYS:
                if isinstance(before := held._dict.get(key), str):
                    after = serialize.text(_decoded(before), redact=hook)[: held.max_value_len]
                    with held._lock:
                        if held._dict.get(key) is before:
                            held._dict[key] = after


def _decoded(text: str) -> Any:
    if text.startswith(("{", "[")):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
