# SPDX-License-Identifier: Apache-2.0
"""The protocol, by the official SDK; whoever imports this needs the extra `mcp`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import mcp_types as types
import orjson
from mcp.server import Server
from mcp.server.context import ServerRequestContext

from otel_sessions import __version__
from otel_sessions.clickhouse.surface import Client
from otel_sessions.errors import hint
from otel_sessions.extensions.web.mcp.budget import first_that_fits, fold, text_of
from otel_sessions.extensions.web.mcp.catalogue import INSTRUCTIONS, TOOLS
from otel_sessions.extensions.web.mcp.tools import DEFAULT_TOKENS, Asked
from otel_sessions.extensions.web.problems import problem
from otel_sessions.queries.history import Memory
from otel_sessions.queries.rows import Row

T = TypeVar("T")


class Run(Protocol):
    """Runs what takes a client, beside the event loop."""

    def __call__(self, work: Callable[[Client], T]) -> Awaitable[T]: ...


def make_server(
    run: Run, project_of: Callable[[ServerRequestContext[Any, Any]], str], memory: Memory | None = None
) -> Server[Any]:
    """A server of the tools, for the project of each request. It reads through `run`; `memory` is of its replays."""
    memory = memory or Memory()

    async def list_tools(_: ServerRequestContext[Any, Any], __: Any) -> types.ListToolsResult:
        hints = types.ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
        shown = [
            types.Tool(
                name=tool.name,
                description=tool.description,
                input_schema=tool.schema(),
                output_schema={"type": "object"},
                annotations=hints,
            )
            for tool in TOOLS.values()
        ]
        return types.ListToolsResult(tools=shown)

    async def call_tool(
        context: ServerRequestContext[Any, Any], called: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = TOOLS.get(called.name)
        if tool is None:
            return _refusal({"detail": f"there is no tool {called.name[:200]!r}{hint(called.name, list(TOOLS))}"})
        max_tokens = DEFAULT_TOKENS
        try:
            wanted: Any = tool.parameters.model_validate(called.arguments or {})
            max_tokens = wanted.max_tokens
            asked = Asked(project_of(context), time.time_ns(), memory)
            answer = await run(lambda client: tool.run(client, asked, wanted))
        except Exception as error:  # noqa: BLE001 - problem knows what each means, and logs what nobody expects
            return _refusal(orjson.loads(problem(error).body), max_tokens)
        text = types.TextContent(type="text", text=text_of(answer))
        return types.CallToolResult(content=[text], structured_content=orjson.loads(text.text))

    return Server(
        "otel-sessions",
        version=__version__,
        title="otel-sessions",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _refusal(said: Row, max_tokens: int = DEFAULT_TOKENS) -> types.CallToolResult:
    """What went wrong, as REST's problem documents say it, within the budget."""
    kept = {name: said[name] for name in ("detail", "position", "did_you_mean", "limit") if name in said}
    answers = ({"error": fold(kept, (texts, 10))} for texts in (2000, 500, 200, 60, 20))
    answer = first_that_fits(answers, max_tokens)
    text = types.TextContent(type="text", text=text_of(answer))
    return types.CallToolResult(content=[text], structured_content=answer, is_error=True)
