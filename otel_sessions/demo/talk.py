# SPDX-License-Identifier: Apache-2.0
"""What a model and its tools are asked and answer, as spans in the semantic conventions of generative AI."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import MappingProxyType

from opentelemetry.trace import SpanKind

from otel_sessions.demo.model import MODELS, Message, message, text, token_count, tokens
from otel_sessions.demo.script import Tool
from otel_sessions.demo.tracing import Attributes, Service, Story

_TOOL_CALLS = "tool_calls"
_NONE: Attributes = MappingProxyType({})


class ToolError(Exception):
    """A tool gave no result."""


class Talk:
    """What was said to one model so far, and the spans of its calls; each call is given all of it again."""

    def __init__(self, service: Service, model: str, system: str) -> None:
        self.service = service
        self.model = model
        self.system = system
        self.messages: list[Message] = []

    def hear(self, content: str, role: str = "user") -> None:
        """Somebody says something; nothing is called."""
        self.messages.append(message(role, text(content)))

    def say(self, story: Story, said: Message, attributes: Attributes = _NONE) -> None:
        """A model call that answers with `said`."""
        model = MODELS[self.model]
        used, made = tokens(self.system) + token_count(self.messages), token_count([said])
        answer: dict[str, object] = {
            "gen_ai.output.messages": json.dumps([said]),
            "gen_ai.response.id": f"resp_{story.clock.chance.getrandbits(48):012x}",
            "gen_ai.response.model": model.version,
            "gen_ai.response.finish_reasons": [str(said["finish_reason"])],
            "gen_ai.usage.input_tokens": used,
            "gen_ai.usage.output_tokens": made,
        }
        if model.is_priced:
            answer["gen_ai.usage.cost"] = float(model.cost(used, made))
        with self.service.span(
            story, f"chat {self.model}", {**self._request(), **attributes}, kind=SpanKind.CLIENT
        ) as span:
            story.clock.spend(300, 700)
            story.clock.spend(made * 12, made * 18)
            span.set_attributes(answer)  # type: ignore[arg-type]
        story.tally.model_call(model.version, used, made, model.cost(used, made))
        self.messages.append(said)

    def answer(self, story: Story, content: str, *, thought: str = "", attributes: Attributes = _NONE) -> None:
        """A model call that answers with a text, after a thought if there is one."""
        parts = [{"type": "reasoning", "content": thought}] if thought else []
        self.say(story, message("assistant", *parts, text(content), finish_reason="stop"), attributes)

    def fail(self, story: Story, error: Exception, low_ms: float = 10_000, high_ms: float = 10_050) -> None:
        """A model call that ends in this error, which is raised."""
        story.tally.models.add(self.model)
        with self.service.span(story, f"chat {self.model}", self._request(), kind=SpanKind.CLIENT):
            story.clock.spend(low_ms, high_ms)
            raise error

    def call(self, story: Story, calls: Sequence[Tool], *, thought: str = "") -> list[str]:
        """A model call that wants these tools; the ids of the calls."""
        ids = [f"call_{story.clock.chance.getrandbits(32):08x}" for _ in calls]
        parts: list[dict[str, object]] = [{"type": "reasoning", "content": thought}] if thought else []
        for id_, tool in zip(ids, calls, strict=True):
            parts.append({"type": "tool_call", "id": id_, "name": tool.name, "arguments": json.loads(tool.arguments)})
        self.say(story, message("assistant", *parts, finish_reason=_TOOL_CALLS))
        return ids

    def use(
        self,
        story: Story,
        calls: Sequence[Tool],
        *,
        error: Exception | None = None,
        thought: str = "",
        together: bool = False,
    ) -> None:
        """The model calls tools, which run one after the other or at once; one that fails has `error` on its span, and
        the model is told in the result.
        """
        ids, began, ended = self.call(story, calls, thought=thought), story.clock.now_ns, story.clock.now_ns
        for id_, tool in zip(ids, calls, strict=True):
            with suppress(ToolError):
                self.run(story, id_, tool, error)
            result = {"type": "tool_call_response", "id": id_, "response": json.loads(tool.result)}
            self.messages.append(message("tool", result))
            ended = max(ended, story.clock.now_ns)
            if together:
                story.clock.now_ns = began
        story.clock.now_ns = ended

    def run(self, story: Story, call_id: str, tool: Tool, error: Exception | None = None) -> None:
        """A tool runs. Raises `error`, if there is one."""
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool.name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call_id,
            "gen_ai.tool.call.arguments": tool.arguments,
        }
        with self.service.span(story, f"execute_tool {tool.name}", attributes) as span:
            story.clock.spend(80, 600)
            if error:
                raise error
            span.set_attribute("gen_ai.tool.call.result", tool.result)

    @contextmanager
    def agent(self, story: Story, name: str) -> Iterator[Story]:
        """An agent library: repeats the usage of its calls, and gives its spans a conversation id of its own making."""
        run = {"gen_ai.conversation.id": f"run_{story.clock.chance.getrandbits(48):012x}"}
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": name,
            "gen_ai.provider.name": MODELS[self.model].provider,
        }
        inner, tally = replace(story, attributes=run), story.tally
        before = tally.input_tokens, tally.output_tokens, tally.cost
        with self.service.span(inner, f"invoke_agent {name}", attributes) as span:
            story.clock.spend(1, 4)
            yield inner
            story.clock.spend(1, 4)
            span.set_attribute("gen_ai.usage.input_tokens", tally.input_tokens - before[0])
            span.set_attribute("gen_ai.usage.output_tokens", tally.output_tokens - before[1])
            span.set_attribute("gen_ai.usage.cost", float(tally.cost - before[2]))

    def _request(self) -> Attributes:
        model = MODELS[self.model]
        return {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": model.provider,
            "gen_ai.request.model": self.model,
            "gen_ai.request.temperature": 0.2,
            "gen_ai.system_instructions": json.dumps([text(self.system)]),
            "gen_ai.input.messages": json.dumps(self.messages),
            "server.address": model.server,
        }
