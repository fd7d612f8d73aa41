"""The chat application and the service that it asks for documents: each turn is one trace over both, in the semantic
conventions of generative AI."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace

from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_sessions.demo.model import MODELS, Message, message, text, token_count, tokens
from otel_sessions.demo.script import SYSTEM, Chat, Tool, Turn
from otel_sessions.demo.tracing import Attributes, Service, Story

_EMBEDDING = "text-embedding-3-small"
_DOCUMENTS = ("size-chart.md#talus", "terms.md#returns", "care.md#leather", "huts.md#stubai")


class Retriever:
    """All it knows of its caller is the `traceparent` header."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def search(self, story: Story, query: str, headers: Mapping[str, str]) -> list[str]:
        caller = TraceContextTextMapPropagator().extract(headers)
        story = replace(story, attributes={})
        attributes = {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": "handbook",
            "gen_ai.retrieval.query.text": query,
        }
        with self.service.span(story, "retrieval handbook", attributes, kind=SpanKind.SERVER, parent=caller):
            story.clock.spend(2, 6)
            self._embed(story, query)
            story.clock.spend(20, 60)
            return story.clock.chance.sample(_DOCUMENTS, 2)

    def _embed(self, story: Story, query: str) -> None:
        model, used = MODELS[_EMBEDDING], tokens(query)
        attributes: Attributes = {
            "gen_ai.operation.name": "embeddings",
            "gen_ai.provider.name": model.provider,
            "gen_ai.request.model": _EMBEDDING,
            "gen_ai.response.model": model.version,
            "gen_ai.usage.input_tokens": used,
            "gen_ai.usage.cost": float(model.cost(used, 0)),
            "server.address": model.server,
        }
        with self.service.span(story, f"embeddings {_EMBEDDING}", attributes, kind=SpanKind.CLIENT):
            story.clock.spend(60, 140)
        story.tally.model_call(model.version, used, 0, model.cost(used, 0))


_TOOL_CALLS = "tool_calls"


class ToolError(Exception):
    """A tool gave no result."""


class Conversation:
    """One session in the chat service; `answer` handles a turn and remembers it."""

    def __init__(self, chat: Chat, api: Service, retriever: Retriever, story: Story) -> None:
        self._chat = chat
        self._api = api
        self._retriever = retriever
        self._story = story
        self._identity = {"session.id": story.tally.session_id, "user.id": chat.user}
        self._messages: list[Message] = []

    def answer(self, turn: Turn) -> None:
        story = replace(self._story, attributes={} if turn.late_claim else self._identity)
        story.clock.now_ns += turn.after_s * 1_000_000_000
        story.tally.traces += 1
        self._messages.append(message("user", text(turn.ask)))
        root: Attributes = {
            **self._identity,
            "tag.tags": list(self._chat.tags),
            "http.request.method": "POST",
            "http.route": "/chat",
            "http.response.status_code": 200,
        }
        with self._api.span(story, "chat turn", root, kind=SpanKind.SERVER):
            story.clock.spend(4, 15)
            self._handle(story, turn)
            story.clock.spend(2, 8)
            if turn.late_claim:
                self._retriever.service.flush()
                self._api.flush()

    def _handle(self, story: Story, turn: Turn) -> None:
        if turn.search:
            self._search(story, turn.ask)
        if turn.agent:
            with self._agent(story, turn.agent) as inner:
                self._respond(inner, turn)
        else:
            self._respond(story, turn)

    def _search(self, story: Story, query: str) -> None:
        with self._api.span(story, "POST /search", {"server.address": "retriever"}, kind=SpanKind.CLIENT):
            headers: dict[str, str] = {}
            TraceContextTextMapPropagator().inject(headers)
            story.clock.spend(3, 9)
            found = self._retriever.search(story, query, headers)
            story.clock.spend(3, 9)
        self._messages.append(message("system", text("Documents: " + ", ".join(found))))

    @contextmanager
    def _agent(self, story: Story, name: str) -> Iterator[Story]:
        """An agent library: repeats the usage of its calls, and gives its spans a conversation id of its own making."""
        run = {"gen_ai.conversation.id": f"run_{story.clock.chance.getrandbits(48):012x}"}
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": name,
            "gen_ai.provider.name": MODELS[self._chat.model].provider,
        }
        inner, tally = replace(story, attributes=run), story.tally
        before = tally.input_tokens, tally.output_tokens, tally.cost
        with self._api.span(inner, f"invoke_agent {name}", attributes) as span:
            story.clock.spend(1, 4)
            yield inner
            story.clock.spend(1, 4)
            span.set_attribute("gen_ai.usage.input_tokens", tally.input_tokens - before[0])
            span.set_attribute("gen_ai.usage.output_tokens", tally.output_tokens - before[1])
            span.set_attribute("gen_ai.usage.cost", float(tally.cost - before[2]))

    def _respond(self, story: Story, turn: Turn) -> None:
        if turn.tools:
            self._call_tools(story, turn)
        if turn.fault == "model times out":
            self._time_out(story)
        self._say(story, message("assistant", text(turn.answer), finish_reason="stop"))

    def _call_tools(self, story: Story, turn: Turn) -> None:
        ids = [f"call_{story.clock.chance.getrandbits(32):08x}" for _ in turn.tools]
        calls = [
            {"type": "tool_call", "id": id_, "name": tool.name, "arguments": json.loads(tool.arguments)}
            for id_, tool in zip(ids, turn.tools, strict=True)
        ]
        self._say(story, message("assistant", *calls, finish_reason=_TOOL_CALLS))
        for id_, tool in zip(ids, turn.tools, strict=True):
            with suppress(ToolError):  # the span has it; the model is told in the result, and apologises
                self._run_tool(story, id_, tool, fails=turn.fault == "tool fails")
            response = {"type": "tool_call_response", "id": id_, "response": json.loads(tool.result)}
            self._messages.append(message("tool", response))

    def _run_tool(self, story: Story, call_id: str, tool: Tool, *, fails: bool) -> None:
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool.name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call_id,
            "gen_ai.tool.call.arguments": tool.arguments,
        }
        with self._api.span(story, f"execute_tool {tool.name}", attributes) as span:
            story.clock.spend(80, 600)
            if fails:
                raise ToolError("the registry answered 503 Service Unavailable")
            span.set_attribute("gen_ai.tool.call.result", tool.result)

    def _time_out(self, story: Story) -> None:
        """The first attempt at a model call."""
        attributes = self._request()
        try:
            with self._api.span(story, f"chat {self._chat.model}", attributes, kind=SpanKind.CLIENT):
                story.clock.spend(10_000, 10_050)
                raise TimeoutError("no answer within 10 s")  # noqa: TRY301 - what the client library does
        except TimeoutError:
            story.tally.models.add(self._chat.model)
            story.clock.spend(400, 600)

    def _say(self, story: Story, said: Message) -> None:
        """A model call that answers with `said`."""
        model = MODELS[self._chat.model]
        used, made = tokens(SYSTEM) + token_count(self._messages), token_count([said])
        answer: Attributes = {
            "gen_ai.output.messages": json.dumps([said]),
            "gen_ai.response.id": f"resp_{story.clock.chance.getrandbits(48):012x}",
            "gen_ai.response.model": model.version,
            "gen_ai.response.finish_reasons": [str(said["finish_reason"])],
            "gen_ai.usage.input_tokens": used,
            "gen_ai.usage.output_tokens": made,
            "gen_ai.usage.cost": float(model.cost(used, made)),
        }
        with self._api.span(story, f"chat {self._chat.model}", self._request(), kind=SpanKind.CLIENT) as span:
            story.clock.spend(300, 700)
            story.clock.spend(made * 12, made * 18)
            span.set_attributes(answer)
        story.tally.model_call(model.version, used, made, model.cost(used, made))
        self._messages.append(said)

    def _request(self) -> Attributes:
        model = MODELS[self._chat.model]
        return {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": model.provider,
            "gen_ai.request.model": self._chat.model,
            "gen_ai.request.temperature": 0.2,
            "gen_ai.system_instructions": json.dumps([text(SYSTEM)]),
            "gen_ai.input.messages": json.dumps(self._messages),
            "server.address": model.server,
        }
