"""Sessions for pages to show."""

from __future__ import annotations

import json

from tests.extensions.web.conftest import Api, span


def chat(api: Api, session_id: str = "chat-1") -> None:
    """Two turns: a model that calls a tool, and one that fails."""
    said = [{"role": "user", "parts": [{"type": "text", "content": "Is the *rope* in stock?"}]}]
    answer = [{"role": "assistant", "parts": [{"type": "text", "content": "Yes, **three** are."}]}]
    later = [*said, *answer, {"role": "user", "parts": [{"type": "text", "content": "And the boot?"}]}]
    call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4.1-mini", "gen_ai.usage.input_tokens": 1200}
    tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "check_stock",
        "gen_ai.tool.call.arguments": '{"sku": "ROPE-60"}',
        "gen_ai.tool.call.result": '{"in_stock": 3}',
    }
    api.store(
        span(
            session_id,
            1,
            seconds=4,
            attributes={
                "user.id": "ada",
                "input.value": "Is the *rope* in stock?",
                "langfuse.trace.metadata.tenant": "acme",
            },
        ),
        span(session_id, 1, number=2, start=1, attributes=tool),
        span(
            session_id,
            1,
            number=3,
            start=2,
            attributes={
                **call,
                "gen_ai.input.messages": json.dumps(said),
                "gen_ai.output.messages": json.dumps(answer),
            },
        ),
        span(session_id, 2, start=100, seconds=3, attributes={"user.id": "ada"}),
        span(
            session_id,
            2,
            number=2,
            start=101,
            status="error",
            message="no answer within 10 s",
            attributes={**call, "gen_ai.input.messages": json.dumps(later)},
        ),
    )
