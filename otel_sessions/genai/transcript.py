# SPDX-License-Identifier: Apache-2.0
"""What went in and out of a step as messages, from the attributes and events of its span as they are stored.

    reader = Reader()                                        # remembers messages that repeat, for one page
    step = reader.step(row["SpanAttributes"], events, kind="model")
    step.input, step.output, step.tools                      # as in `genai.messages`

The first source that holds any message counts, those made for messages before those made for anything. Never raises on
what clients write; what cannot be read as messages is one message of text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import orjson

from otel_sessions.genai.json_text import (
    JSON_BEGINS,
    MAX_BYTES,
    Attributes,
    counted,
    nested,
    numbered,
    only_text,
    parsed,
    strict,
)
from otel_sessions.genai.messages import (
    MAX_MESSAGES,
    MAX_PARTS,
    Message,
    Part,
    are_messages,
    as_text,
    message,
    one,
    part,
    read,
    text_part,
    words,
)
from otel_sessions.semconv import content as keys

Event: TypeAlias = "tuple[str, Attributes]"

MAX_KNOWN: Final = 20_000
_MAX_TEXTS: Final = 2 * 2**20
_TEXT_OVERHEAD: Final = 1_000
_OPENING: Final = frozenset({"tool_call", "tool_result"})
_GROWN: Final = 4
"""Messages of a list from which on it is noted, to go on with."""

_TOOL_MEMBERS: Final = ("tools", "function_tools", "functions", "output_tools")
_ROLES_OF_EVENTS: Final = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}
_DETAILS: Final = "gen_ai.client.inference.operation.details"
_REPLIES: Final = ("ai.response.", "ai.result.", "lk.response.")
"""Of the Vercel AI SDK and LiveKit, which write one message under several keys."""
_SAID: Final = ("content", "gen_ai.event.content", "message", "gen_ai.prompt", "gen_ai.completion", "tool_calls")


@dataclass(frozen=True, slots=True)
class Step:
    """The messages that went in and came out, and the definitions of the tools that were offered."""

    input: list[Message] = field(default_factory=list)
    output: list[Message] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)


class Reader:
    """Reads steps; a message that was read before, as those of a history are, is the same object again."""

    def __init__(self) -> None:
        self._known: dict[bytes, Message] = {}
        self._texts: dict[tuple[str, str], list[Message]] = {}
        self._texts_size = 0
        self._begun: dict[str, tuple[str, list[Message]]] = {}

    def step(
        self,
        attributes: Attributes,
        events: Sequence[Event] = (),
        kind: str = "model",
        name: str = "",
        *,
        with_tools: bool = True,
    ) -> Step:
        """What a span of this kind of step says; `name` is that of its tool."""
        given, made = self.messages(attributes, events, kind, name)
        return Step(given, made, _tools(attributes) if with_tools and kind != "tool" else [])

    def messages(
        self, attributes: Attributes, events: Sequence[Event], kind: str, name: str
    ) -> tuple[list[Message], list[Message]]:
        """The messages of `step` alone: those that went in, and those that came out."""
        if kind == "tool":
            call_id = next((attributes[key] for key in keys.CALL_ID_KEYS if attributes.get(key)), "")
            arguments = next((attributes[key] for key in keys.ARGUMENTS_KEYS if attributes.get(key)), None)
            result = next((attributes[key] for key in keys.RESULT_KEYS if attributes.get(key)), None)
            call: Part = {"type": "tool_call", "id": call_id, "name": name, "arguments": parsed(arguments or "")}
            returned: Part = {"type": "tool_result", "id": call_id, "name": name, "result": parsed(result or "")}
            return (
                [message("assistant", call)] if arguments is not None or call_id else [],
                [message("tool", returned)] if result is not None else [],
            )
        numbers = counted(attributes)
        events = [*events, *_written(attributes.get(keys.EVENTS_KEY, ""))]
        given = next(filter(None, self._inputs(attributes, numbers, events)), [])
        made = next(filter(None, self._outputs(attributes, numbers, events)), [])
        tells_apart = not made or "gen_ai.input.messages" in attributes
        if not tells_apart and len(given) > len(made) and given[-len(made) :] == made:
            given = given[: -len(made)]  # the list holds what came out at its end as well
        return list(map(_opened, given)), list(map(_opened, made))

    def _make(self, value: Mapping[str, Any]) -> Message:
        try:
            key = orjson.dumps(value)
        except (TypeError, ValueError, RecursionError):
            return _opened(one(value))
        if key not in self._known:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[key] = _opened(one(value))
        return self._known[key]

    def _read(self, text: str, role: str) -> list[Message]:
        """The messages in a text, which often is that of a step around this one."""
        if (known := self._texts.get((text, role))) is not None:
            return known
        self._texts_size += len(text) + _TEXT_OVERHEAD
        if self._texts_size > _MAX_TEXTS:
            self._texts, self._texts_size = {}, len(text) + _TEXT_OVERHEAD
        found = self._texts[text, role] = self._read_anew(text, role)
        return found

    def _read_anew(self, text: str, role: str) -> list[Message]:
        """The messages in a text: JSON of messages, or one that says the text."""
        if (longer := self._go_on(text, role)) is not None:
            return longer
        value = parsed(text)
        if value is None or value in ("", [], {}):
            return []
        if found := read(value, role, self._make):
            # a list of messages, and nothing else: another may go on with it
            if len(value) >= _GROWN and are_messages(value) and strict(text) is not None:
                self._begun[role] = text.rstrip()[:-1], found
            return found
        said = (only_text(value) if role == "user" else "") or as_text(value)
        return [message(role, text_part(said))] if text else []

    def _go_on(self, text: str, role: str) -> list[Message] | None:
        """The messages of a list that goes on where the last one of this role ended; None where it is no such list.

        Of a history that grows from call to call only what is new is read.
        """
        begun, found = self._begun.get(role, ("", []))
        if not begun or len(text) > MAX_BYTES or not text.startswith(begun):
            return None
        rest = text[len(begun) :].lstrip()
        value = strict(f"[{rest[1:]}") if rest[:1] == "," else None
        if not are_messages(value):
            return None
        found = [*found, *read(value, role, self._make)][:MAX_MESSAGES]
        self._begun[role] = text.rstrip()[:-1], found
        return found

    def _inputs(self, attributes: Attributes, numbers: Attributes, events: Sequence[Event]) -> Iterator[list[Message]]:
        system = self._system(attributes)
        details = next((each for name, each in events if name == _DETAILS), {})
        for source in (attributes, details):
            if "gen_ai.input.messages" in source:
                system = system or self._system(source)
                yield _with_system(system, self._read(source["gen_ai.input.messages"], "user"))
        for prefix in ("llm.input_messages.", "gen_ai.prompt.") if numbers else ():
            yield _with_system(system, self._flattened(numbers, prefix))
        if events:
            yield _with_system(system, self._events(events, _ROLES_OF_EVENTS, "gen_ai.content.prompt", "user"))
        for key in keys.MESSAGES_IN_KEYS:
            if attributes.get(key):
                yield _with_system(system, self._read(attributes[key], "user"))
        yield system

    def _outputs(self, attributes: Attributes, numbers: Attributes, events: Sequence[Event]) -> Iterator[list[Message]]:
        details = next((each for name, each in events if name == _DETAILS), {})
        for source in (attributes, details):
            if "gen_ai.output.messages" in source:
                yield self._read(source["gen_ai.output.messages"], "assistant")
        for prefix in ("llm.output_messages.", "gen_ai.completion.") if numbers else ():
            yield self._flattened(numbers, prefix)
        if events:
            yield self._events(events, {"gen_ai.choice": "assistant"}, "gen_ai.content.completion", "assistant")
        for family in _REPLIES if any(key.startswith(_REPLIES) for key in attributes) else ():
            parts: list[Part] = []
            if attributes.get(f"{family}reasoning"):
                parts.append({"type": "reasoning", "text": attributes[f"{family}reasoning"]})
            texts = (attributes.get(f"{family}{member}") for member in ("text", "object"))
            parts += [text_part(text) for text in texts if text]
            for member in ("toolCalls", "function_calls"):
                calls = parsed(attributes.get(f"{family}{member}", ""))
                for item in calls if isinstance(calls, list) else []:
                    value = parsed(item) if isinstance(item, str) else item
                    if isinstance(value, dict):
                        parts.append(part({"type": "tool_call", **value}))
            yield ([message("assistant", *parts)] if parts else [])
        for key in keys.MESSAGES_OUT_KEYS:
            if attributes.get(key):
                yield self._read(attributes[key], "assistant")
        if attributes.get("pydantic_ai.all_messages"):
            said = self._read(attributes["pydantic_ai.all_messages"], "assistant")
            yield [each for each in said[-1:] if each["role"] == "assistant"]

    def _system(self, attributes: Attributes) -> list[Message]:
        for key in ("gen_ai.system_instructions", "lk.instructions"):
            if attributes.get(key):
                return self._read(attributes[key], "system")
        return []

    def _flattened(self, attributes: Attributes, prefix: str) -> list[Message]:
        """Messages flattened into keys that count them, as OpenInference and OpenLLMetry write them."""
        return [self._make(value) for value in numbered(attributes, prefix, nested)]

    def _events(self, events: Sequence[Event], roles: Mapping[str, str], lists: str, role: str) -> list[Message]:
        """Events that are messages, or that carry a list of them."""
        found: list[Message] = []
        for name, attributes in events:
            if name in roles:
                found += self._event(attributes, roles[name])
            elif name == lists:
                found += self._read(next((attributes[key] for key in _SAID if attributes.get(key)), ""), role)
            if len(found) > MAX_MESSAGES:
                break
        return found

    def _event(self, attributes: Attributes, role: str) -> list[Message]:
        text = next((attributes[key] for key in _SAID if attributes.get(key)), "")
        value = parsed(text)
        if isinstance(value, dict) and isinstance(value.get("message"), dict):
            value = value["message"]
        if isinstance(value, dict) and ("content" in value or "tool_calls" in value or "parts" in value):
            return [self._make({"role": role, **value})]
        more = {name: attributes[key] for name, key in _EVENT_MEMBERS.items() if key in attributes}
        if attributes.get("tool_calls") and text != attributes["tool_calls"]:
            more["tool_calls"] = parsed(attributes["tool_calls"])
        elif text and text == attributes.get("tool_calls"):
            return [self._make({"role": role, "tool_calls": value})]
        return [self._make({"role": role, "content": value, **more})] if value not in (None, "", [], {}) else []


def _written(text: str) -> list[Event]:
    """Events that are messages, from an attribute that has them as JSON."""
    value = parsed(text) if text[:1] == "[" else None
    items = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    return [
        (name, {key: as_text(member) for key, member in item.items()})
        for item in items[: MAX_MESSAGES + 1]
        if isinstance(name := item.get("event.name"), str) and (name in _ROLES_OF_EVENTS or name == "gen_ai.choice")
    ]


def as_chat(found: Message) -> list[dict[str, Any]]:
    """The message as files for the fine-tuning of chat models have it, a message for each result of a tool."""
    results = [part for part in found["parts"] if part["type"] == "tool_result"]
    if results:
        return [{"role": "tool", "tool_call_id": part["id"], "content": as_text(part["result"])} for part in results]
    calls = [
        {
            "id": part["id"],
            "type": "function",
            "function": {"name": part["name"], "arguments": as_text(part["arguments"])},
        }
        for part in found["parts"]
        if part["type"] == "tool_call"
    ]
    said = "\n".join(part["text"] for part in found["parts"] if part["type"] == "text" and part["text"])
    said = said or ("" if calls else words(found))
    return [{"role": found["role"], "content": said, **({"tool_calls": calls} if calls else {})}]


_EVENT_MEMBERS: Final = {"tool_call_id": "id", "name": "name"}


def _with_system(system: list[Message], found: list[Message]) -> list[Message]:
    """Instructions that stand apart come first, unless they are among the messages too."""
    return found if not found or any(each["role"] == "system" for each in found) else [*system, *found]


def _opened(found: Message) -> Message:
    """The message with the arguments and results of tools as JSON values where they stand as JSON in a text."""
    if _OPENING.isdisjoint([each["type"] for each in found["parts"]]):
        return found
    texts = [
        (number, name)
        for number, each in enumerate(found["parts"])
        for name in ("arguments", "result")
        if isinstance(each.get(name), str) and each[name][:1] in ("{", "[")
    ]
    if not texts:
        return found
    parts = [dict(each) for each in found["parts"]]
    for number, name in texts:
        with suppress(ValueError, RecursionError):
            parts[number][name] = json.loads(parts[number][name])
    return {**found, "parts": parts}


def _tools(attributes: Attributes) -> list[dict[str, Any]]:
    """The tools that were offered, from the first source that tells of any."""
    numbers = counted(attributes)
    for prefix in ("llm.tools.", "llm.request.functions.") if numbers else ():
        found = [tool for value in numbered(numbers, prefix, _tool_value) for tool in tools([value])]
        if found:
            return found
    for key in keys.TOOLS_KEYS if not attributes.keys().isdisjoint(keys.TOOLS_KEYS) else ():
        if not (text := attributes.get(key)):
            continue
        value = parsed(text) if text[:1] in JSON_BEGINS else None
        if isinstance(value, dict):
            config = value.get("config")
            value = {**value, **config} if isinstance(config, dict) else value
            value = next((value[name] for name in _TOOL_MEMBERS if value.get(name)), None)
        elif isinstance(value, list):
            value = [parsed(item) if isinstance(item, str) and item[:1] == "{" else item for item in value]
            if key in keys.TOOLS_KEYS[-2:]:
                value = None
        if found := tools(value):
            return found
    return []


def tools(value: Any) -> list[dict[str, Any]]:
    """Definitions of tools, each as `{"name", "description", "parameters"}`, from a list, by name, or an object."""
    if isinstance(value, dict):
        inner = next((value[key] for key in _TOOL_LISTS if isinstance(value.get(key), list)), None)
        is_tool = not value.keys().isdisjoint(("name", "function", "toolSpec"))
        value = inner if inner is not None else [value] if is_tool else list(value.values())
    found = []
    for item in (value if isinstance(value, list) else [])[:MAX_PARTS]:
        if isinstance(item, dict) and isinstance(
            declared := next((item[key] for key in _TOOL_LISTS if key in item), None), list
        ):
            found += tools(declared)
        elif isinstance(item, str) and item:
            found.append({"name": item, "description": "", "parameters": None})
        elif isinstance(item, dict) and (tool := _tool(item)):
            found.append(tool)
    return found[:MAX_PARTS]


_TOOL_LISTS: Final = ("functionDeclarations", "function_declarations", "tools")


def _tool(item: Mapping[str, Any]) -> dict[str, Any] | None:
    inner = next((item[name] for name in ("function", "toolSpec") if isinstance(item.get(name), dict)), item)
    name = inner.get("name")
    if not isinstance(name, str) or not name:
        return None
    members = ("parameters", "input_schema", "inputSchema", "parameters_json_schema", "args_schema")
    parameters = next((inner[key] for key in members if inner.get(key) is not None), None)
    if isinstance(parameters, dict) and isinstance(parameters.get("json"), dict):  # Bedrock
        parameters = parameters["json"]
    return {"name": name, "description": as_text(inner.get("description")), "parameters": parameters}


def _tool_value(members: Mapping[str, str]) -> dict[str, Any]:
    schema = members.get("tool.json_schema")
    value = parsed(schema) if schema else {name: parsed(text) for name, text in members.items()}
    return value if isinstance(value, dict) else {}
