# SPDX-License-Identifier: Apache-2.0
"""Transcripts of Codex: a line an event, `~/.codex/sessions/YYYY/MM/DD/rollout-*.jsonl`.

An answer of the model ends with an event that says what it took; the same event stands again where only limits changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from otel_sessions.cli.importing.conversation import Call, Conversation, Tool, Turn
from otel_sessions.cli.importing.lines import nanoseconds, parsed, text_of

_KINDS = frozenset({"session_meta", "response_item", "event_msg", "turn_context", "compacted"})
_OF_THE_PROGRAM = ("<environment_context>", "<user_instructions>", "# AGENTS.md", "<permissions", "<turn_aborted>")
_CALLS = frozenset({"function_call", "custom_tool_call", "local_shell_call"})


def is_one(line: Mapping[str, Any]) -> bool:
    return line.get("type") in _KINDS and isinstance(line.get("payload"), Mapping)


def read(lines: Iterable[Mapping[str, Any]]) -> Conversation:
    """The conversation of a transcript."""
    reader = _Reader()
    for line in lines:
        if is_one(line):
            reader.take(str(line["type"]), line["payload"], nanoseconds(line.get("timestamp")))
    return reader.made


class _Reader:
    def __init__(self) -> None:
        self.made = Conversation("", "Codex", "openai")
        self._model = ""
        self._tools: dict[str, Tool] = {}
        self._given: list[dict[str, Any]] = []
        self._parts: list[dict[str, Any]] = []
        self._calls = 0
        self._total = -1
        self._since = 0

    def take(self, type_: str, payload: Mapping[str, Any], time: int) -> None:
        """Adds an event of a type, at a time in ns since 1970, to the conversation."""
        kind = payload.get("type")
        if type_ == "session_meta":
            self.made.session_id = self.made.session_id or str(payload.get("id", ""))
            self.made.version = str(payload.get("cli_version") or "")
            self.made.provider = str(payload.get("model_provider") or self.made.provider)
            git = payload.get("git")
            branch = git.get("branch") if isinstance(git, Mapping) else None
            self.made.metadata |= {k: str(v) for k, v in (("cwd", payload.get("cwd")), ("git_branch", branch)) if v}
        elif type_ == "turn_context":
            self._model = str(payload.get("model") or self._model)
        elif type_ == "response_item" and kind == "message":
            said = text_of(payload.get("content"))
            if payload.get("role") == "assistant":
                self._parts.append({"type": "text", "content": said})
            elif payload.get("role") == "user" and said and not said.lstrip().startswith(_OF_THE_PROGRAM):
                self.made.turns.append(Turn(f"{len(self.made.turns)}", said, time, time))
                self._given.append({"role": "user", "parts": [{"type": "text", "content": said}]})
                self._since = time
        elif type_ == "response_item" and self.made.turns:
            self._item(payload, time)
        elif kind == "token_count" and self.made.turns:
            self._usage(payload.get("info"), time)
        if self.made.turns:
            self.made.turns[-1].end_ns = max(self.made.turns[-1].end_ns, time)

    def _item(self, payload: Mapping[str, Any], time: int) -> None:
        kind, id_ = str(payload.get("type")), str(payload.get("call_id") or payload.get("id") or "")
        if kind == "reasoning" and (said := text_of(payload.get("summary"))):
            self._parts.append({"type": "reasoning", "content": said})
        elif kind in _CALLS:
            arguments = parsed(payload.get("arguments", payload.get("input", payload.get("action"))))
            tool = Tool(id_, str(payload.get("name") or "shell"), arguments, time, time)
            self._tools[id_] = tool
            self.made.turns[-1].tools.append(tool)
            self._parts.append({"type": "tool_call", "id": id_, "name": tool.name, "arguments": arguments})
        elif kind.endswith("_output") and id_ in self._tools:
            output, failed = _output(payload.get("output"))
            tool = self._tools[id_]
            tool.result, tool.end_ns, tool.failed = output, time, failed
            response = {"type": "tool_call_response", "id": id_, "response": output}
            self._given.append({"role": "tool", "parts": [response]})
            self._since = time

    def _usage(self, info: Any, time: int) -> None:
        """Ends a call of the model."""
        total, last = (
            (info.get(name) for name in ("total_token_usage", "last_token_usage"))
            if isinstance(info, Mapping)
            else (None, None)
        )
        if not isinstance(total, Mapping) or not isinstance(last, Mapping) or total.get("total_tokens") == self._total:
            return
        self._total = int(total.get("total_tokens") or 0)
        call = Call(f"{self._calls}", self._model, self._since or time, time, self._given, self._parts)
        names = {"input": "input_tokens", "cached": "cached_input_tokens", "output": "output_tokens"}
        names["reasoning"] = "reasoning_output_tokens"
        call.usage = {name: int(last.get(key) or 0) for name, key in names.items()}
        self.made.turns[-1].calls.append(call)
        self._calls, self._given, self._parts, self._since = self._calls + 1, [], [], time


def _output(value: Any) -> tuple[str, bool]:
    """What a tool gave, and whether it failed."""
    found = parsed(value)
    if not isinstance(found, Mapping):
        return text_of(found), False
    metadata = found.get("metadata")
    code = metadata.get("exit_code") if isinstance(metadata, Mapping) else None
    failed = found.get("success") is False or bool(code)
    return text_of(found.get("output", found.get("content", found))), failed
