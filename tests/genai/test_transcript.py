"""Spans of every dialect as messages: who said what, which tools were called, what they returned."""

from __future__ import annotations

import json
import random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.genai.json_text import message_text, said
from otel_sessions.genai.messages import MODEL, USER, words
from otel_sessions.genai.transcript import Event, Reader, Step

ROLES = {"system": "S", "user": "U", "assistant": "A", "tool": "T"}
TOOL = {"name": "weather", "description": "tells the sky", "parameters": {"type": "object"}}


def step(attributes: dict[str, Any], *events: Event, kind: str = "model", name: str = "") -> Step:
    plain = {key: value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()}
    return Reader().step(plain, events, kind, name)


def brief(messages: list[dict[str, Any]]) -> str:
    """Messages in a line: `U:hi A:weather({"city":"Oslo"}) T:sunny`."""
    return " ".join(f"{ROLES[each['role']]}:{'+'.join(map(_brief, each['parts']))}" for each in messages)


def _brief(part: dict[str, Any]) -> str:
    match part["type"]:
        case "text":
            return str(part["text"])
        case "reasoning":
            return f"~{part['text']}"
        case "tool_call":
            return f"{part['name']}({orjson.dumps(part['arguments']).decode()})"
        case "tool_result":
            return f"={part['result'] if isinstance(part['result'], str) else json.dumps(part['result'])}"
        case "media":
            return f"[{part['modality']}]"
    return "?"


TALK = 'S:Be brief. U:Is it sunny? A:weather({"city":"Oslo"}) T:=sunny'
CALL = {"city": "Oslo"}
OPENAI = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Is it sunny?"},
    {
        "role": "assistant",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "weather", "arguments": json.dumps(CALL)}}],
    },
    {"role": "tool", "tool_call_id": "c", "content": "sunny"},
]
ANTHROPIC = {
    "system": "Be brief.",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Is it sunny?"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "weather", "input": CALL}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "sunny"}]},
    ],
}
CONVENTIONS = [
    {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
    {"role": "user", "parts": [{"type": "text", "content": "Is it sunny?"}]},
    {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "weather", "arguments": CALL}]},
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": "sunny"}]},
]
PYDANTIC = [
    *CONVENTIONS[:3],
    {"role": "user", "parts": [{"type": "tool_call_response", "id": "c", "name": "weather", "result": "sunny"}]},
]
GOOGLE = {
    "model": "gemini-2.5-flash",
    "config": {"system_instruction": "Be brief.", "tools": [{"function_declarations": [TOOL]}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Is it sunny?"}]},
        {"role": "model", "parts": [{"function_call": {"id": "c", "name": "weather", "args": CALL}}]},
        {
            "role": "user",
            "parts": [{"function_response": {"id": "c", "name": "weather", "response": {"result": "sunny"}}}],
        },
    ],
}
AI_SDK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Is it sunny?"}]},
    {"role": "assistant", "content": [{"type": "tool-call", "toolCallId": "c", "toolName": "weather", "input": CALL}]},
    {"role": "tool", "content": [{"type": "tool-result", "toolCallId": "c", "toolName": "weather", "output": "sunny"}]},
]
LANGCHAIN = {
    "messages": [
        [
            {
                "lc": 1,
                "type": "constructor",
                "id": ["langchain", "schema", "messages", "SystemMessage"],
                "kwargs": {"content": "Be brief.", "type": "system"},
            },
            {
                "lc": 1,
                "type": "constructor",
                "id": ["langchain", "schema", "messages", "HumanMessage"],
                "kwargs": {"content": "Is it sunny?", "type": "human"},
            },
            {
                "type": "ai",
                "content": "",
                "tool_calls": [{"name": "weather", "args": CALL, "id": "c", "type": "tool_call"}],
            },
            {"type": "tool", "content": "sunny", "tool_call_id": "c", "name": "weather"},
        ]
    ]
}
RESPONSES = {
    "model": "gpt-4o",
    "instructions": "Be brief.",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "Is it sunny?"}]},
        {"type": "function_call", "call_id": "c", "name": "weather", "arguments": json.dumps(CALL)},
        {"type": "function_call_output", "call_id": "c", "output": "sunny"},
    ],
}
LIVEKIT = {
    "items": [
        {"id": "1", "type": "message", "role": "system", "content": ["Be brief."]},
        {"id": "2", "type": "message", "role": "user", "content": ["Is it sunny?"]},
        {"id": "3", "type": "function_call", "call_id": "c", "name": "weather", "arguments": json.dumps(CALL)},
        {"id": "4", "type": "function_call_output", "call_id": "c", "name": "weather", "output": "sunny"},
    ]
}
BEDROCK = [
    {"role": "user", "content": [{"text": "Is it sunny?"}]},
    {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c", "name": "weather", "input": CALL}}]},
    {
        "role": "user",
        "content": [{"toolResult": {"toolUseId": "c", "content": [{"text": "sunny"}], "status": "success"}}],
    },
]


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.input.messages": CONVENTIONS},
        {
            "gen_ai.input.messages": CONVENTIONS[1:],
            "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
        },
        {"pydantic_ai.all_messages": PYDANTIC},
        {"input.value": OPENAI},
        {"input.value": {"model": "gpt-4o", "messages": OPENAI}},
        {"langfuse.observation.input": OPENAI},
        {"langfuse.observation.input": ANTHROPIC},
        {"gen_ai.prompt": {"messages": OPENAI}},
        {"mlflow.spanInputs": {"model": "m", "messages": OPENAI}},
        {"ai.prompt.messages": AI_SDK},
        {"ai.prompt": {"messages": AI_SDK}},
        {"traceloop.entity.input": LANGCHAIN},
        {"input.value": LANGCHAIN},
        {"langfuse.observation.input": RESPONSES},
        {"lk.chat_ctx": LIVEKIT},
        {"gen_ai.system_instructions": "Be brief.", "gen_ai.input.messages": BEDROCK},
    ],
    ids=lambda attributes: next(iter(attributes)),
)
def test_a_history_is_read_alike_in_every_dialect(attributes: dict[str, Any]) -> None:
    assert brief(step(attributes).input) == TALK


def test_googles_history_and_tools() -> None:
    found = step({"gcp.vertex.agent.llm_request": GOOGLE})
    assert brief(found.input) == TALK.replace("=sunny", '={"result": "sunny"}')
    assert found.tools == [TOOL]


def test_messages_flattened_by_openinference() -> None:
    found = step(
        {
            "llm.input_messages.0.message.role": "system",
            "llm.input_messages.0.message.content": "Be brief.",
            "llm.input_messages.1.message.role": "user",
            "llm.input_messages.1.message.contents.0.message_content.type": "text",
            "llm.input_messages.1.message.contents.0.message_content.text": "Is it sunny?",
            "llm.input_messages.2.message.role": "assistant",
            "llm.input_messages.2.message.tool_calls.0.tool_call.id": "c",
            "llm.input_messages.2.message.tool_calls.0.tool_call.function.name": "weather",
            "llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments": json.dumps(CALL),
            "llm.input_messages.10.message.role": "tool",
            "llm.input_messages.10.message.tool_call_id": "c",
            "llm.input_messages.10.message.content": "sunny",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": "Yes.",
            "llm.tools.0.tool.json_schema": {"type": "function", "function": TOOL},
            "input.value": "not this",
        }
    )
    assert (brief(found.input), brief(found.output), found.tools) == (TALK, "A:Yes.", [TOOL])
    image = {
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.contents.0.message_content.image.image.url": "https://x",
    }
    assert brief(step(image).input) == "U:[image]"


def test_messages_flattened_by_openllmetry() -> None:
    found = step(
        {
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "Be brief.",
            "gen_ai.prompt.1.role": "user",
            "gen_ai.prompt.1.content": [{"type": "text", "text": "Is it sunny?"}],
            "gen_ai.prompt.2.role": "assistant",
            "gen_ai.prompt.2.tool_calls.0.id": "c",
            "gen_ai.prompt.2.tool_calls.0.name": "weather",
            "gen_ai.prompt.2.tool_calls.0.arguments": CALL,
            "gen_ai.prompt.3.role": "user",
            "gen_ai.prompt.3.content": [{"type": "tool_result", "tool_use_id": "c", "content": "sunny"}],
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": "Yes.",
            "llm.request.functions.0.name": "weather",
            "llm.request.functions.0.description": "tells the sky",
            "llm.request.functions.0.parameters": {"type": "object"},
        }
    )
    assert (brief(found.input), brief(found.output), found.tools) == (TALK, "A:Yes.", [TOOL])


def test_messages_in_events() -> None:
    call = [{"id": "c", "type": "function", "function": {"name": "weather", "arguments": json.dumps(CALL)}}]
    events: list[Event] = [
        ("gen_ai.system.message", {"content": "Be brief."}),
        ("gen_ai.user.message", {"content": "Is it sunny?"}),
        ("gen_ai.assistant.message", {"tool_calls": json.dumps(call)}),
        ("gen_ai.tool.message", {"content": "sunny", "id": "c"}),
        ("exception", {"content": "not this"}),
        ("gen_ai.choice", {"index": "0", "message": json.dumps({"content": "Yes.", "role": "assistant"})}),
    ]
    found = step({}, *events)
    assert (brief(found.input), brief(found.output)) == (TALK, "A:Yes.")
    details = {"gen_ai.input.messages": json.dumps(CONVENTIONS), "gen_ai.output.messages": json.dumps(CONVENTIONS[2:3])}
    found = step({}, ("gen_ai.client.inference.operation.details", details))
    assert (brief(found.input), brief(found.output)) == (TALK, 'A:weather({"city":"Oslo"})')


def test_messages_in_events_that_pydantic_ai_wrote_into_an_attribute() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
    events = [
        {"event.name": "gen_ai.system.message", "content": "be brief", "role": "system", "gen_ai.message.index": 0},
        {"event.name": "gen_ai.user.message", "content": "hi", "role": "user", "gen_ai.message.index": 0},
        {"event.name": "gen_ai.assistant.message", "role": "assistant", "tool_calls": [call]},
        {"event.name": "gen_ai.tool.message", "content": "sunny", "role": "tool", "id": "c1", "name": "weather"},
        {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": "sun"}},
    ]
    found = step({"events": events})
    assert brief(found.input) == 'S:be brief U:hi A:weather({"city":"Oslo"}) T:=sunny'
    assert found.input[3]["parts"][0]["id"] == "c1"
    assert brief(found.output) == "A:sun"
    assert step({"events": [{"event.name": "click"}, 5, {"event.name": []}]}) == Step()
    assert step({"events": "[broken"}) == Step()


def test_messages_in_events_of_strands() -> None:
    events: list[Event] = [
        ("gen_ai.user.message", {"content": json.dumps(BEDROCK[0]["content"])}),
        ("gen_ai.assistant.message", {"content": json.dumps(BEDROCK[1]["content"])}),
        ("gen_ai.tool.message", {"content": json.dumps(BEDROCK[2]["content"])}),
        ("gen_ai.choice", {"finish_reason": "end_turn", "message": json.dumps([{"text": "Yes."}])}),
    ]
    found = step({}, *events)
    assert (brief(found.input), brief(found.output)) == (TALK.removeprefix("S:Be brief. "), "A:Yes.")


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        (
            {
                "gen_ai.output.messages": [
                    {
                        "role": "assistant",
                        "parts": [{"type": "reasoning", "content": "hm"}, {"type": "text", "content": "Yes."}],
                    }
                ]
            },
            "A:~hm+Yes.",
        ),
        ({"output.value": {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}}]}}, "A:Yes."),
        ({"langfuse.observation.output": {"role": "assistant", "content": "Yes."}}, "A:Yes."),
        ({"langfuse.observation.output": "Yes."}, "A:Yes."),
        (
            {"langfuse.observation.output": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Yes."}]},
            "A:~hm+Yes.",
        ),
        (
            {
                "output.value": {
                    "output": [
                        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
                        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yes."}]},
                    ]
                }
            },
            "A:~hm A:Yes.",
        ),
        (
            {
                "ai.response.text": "Yes.",
                "ai.response.toolCalls": [{"toolCallId": "c", "toolName": "weather", "input": CALL}],
            },
            'A:Yes.+weather({"city":"Oslo"})',
        ),
        ({"ai.response.object": {"sunny": True}}, 'A:{"sunny": true}'),
        (
            {
                "lk.response.text": "Yes.",
                "lk.response.function_calls": [json.dumps({"name": "weather", "arguments": CALL})],
            },
            'A:Yes.+weather({"city":"Oslo"})',
        ),
        (
            {
                "gcp.vertex.agent.llm_response": {
                    "content": {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "Yes."}]}
                }
            },
            "A:~hm+Yes.",
        ),
        ({"final_result": "Yes."}, "A:Yes."),
        ({"traceloop.entity.output": {"outputs": {"messages": [{"type": "ai", "content": "Yes."}]}}}, "A:Yes."),
        ({"genkit:output": {"message": {"role": "model", "content": [{"text": "Yes."}]}}}, "A:Yes."),
        (
            {
                "pydantic_ai.all_messages": [
                    *CONVENTIONS,
                    {"role": "assistant", "parts": [{"type": "text", "content": "Yes."}]},
                ]
            },
            "A:Yes.",
        ),
        ({"output.value": {"sky": "blue"}}, 'A:{"sky": "blue"}'),
    ],
)
def test_what_a_model_said(attributes: dict[str, Any], text: str) -> None:
    assert brief(step(attributes).output) == text


AI = {
    "lc": 1,
    "type": "constructor",
    "id": ["langchain", "schema", "messages", "AIMessage"],
    "kwargs": {"content": "w"},
}
CALLING = {"content": "", "type": "AIMessageChunk", "tool_calls": [{"name": "f", "args": {"a": 1}, "id": "c"}]}
GENERATIONS = [
    ({"generations": [[{"text": "w", "generation_info": None, "type": "Generation"}]], "llm_output": {}}, "w"),
    ({"generations": [[{"text": "w"}]], "llm_output": None, "run": None}, "w"),
    ({"generations": [[{"text": "w", "type": "ChatGeneration", "message": AI}]]}, "w"),
    ({"generations": [[{"text": "w", "message": {"content": "w", "additional_kwargs": {}}}]]}, "w"),
    ({"generations": [[{"text": "w", "message": {"content": "w", "type": "ai"}}]]}, "w"),
    ({"generations": [[{"text": "", "type": "ChatGenerationChunk", "message": CALLING}]]}, 'f({"a": 1})'),
    (
        {
            "generations": [
                [
                    {
                        "lc": 1,
                        "type": "constructor",
                        "id": ["x", "ChatGeneration"],
                        "kwargs": {"text": "w", "message": AI},
                    }
                ]
            ]
        },
        "w",
    ),
    ({"generations": [{"text": "w", "message": AI}]}, "w"),
]


@pytest.mark.parametrize(("value", "text"), GENERATIONS)
def test_an_answer_among_langchains_generations_says_its_words(value: Any, text: str) -> None:
    assert said(json.dumps(value), MODEL) == text
    for key in ("output.value", "langfuse.observation.output", "traceloop.entity.output"):
        made = step({key: value}).output
        assert [(each["role"], words(each)) for each in made] == [("assistant", text)]


def test_an_input_of_langchains_generations_shows_the_words() -> None:
    assert said(json.dumps({"generations": [[{"text": "w", "message": AI}]]}), USER) == "w"


def test_a_list_that_holds_the_answer_too_goes_in_without_it() -> None:
    answer = {"role": "assistant", "parts": [{"type": "text", "content": "Yes."}]}
    found = step({"pydantic_ai.all_messages": [*PYDANTIC, answer]}, kind="agent")
    assert (brief(found.input), brief(found.output)) == (TALK, "A:Yes.")


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.tool.call.arguments": CALL, "gen_ai.tool.call.result": "sunny", "gen_ai.tool.call.id": "c"},
        {"tool_arguments": CALL, "tool_response": "sunny"},
        {"ai.toolCall.args": CALL, "ai.toolCall.result": '"sunny"', "ai.toolCall.id": "c"},
        {"lk.function_tool.arguments": CALL, "lk.function_tool.output": "sunny"},
        {"gcp.vertex.agent.tool_call_args": CALL, "gcp.vertex.agent.tool_response": "sunny"},
        {"input.value": CALL, "output.value": "sunny"},
        {"langfuse.observation.input": CALL, "langfuse.observation.output": "sunny"},
    ],
    ids=lambda attributes: next(iter(attributes)),
)
def test_the_call_of_a_tool_and_what_it_returned(attributes: dict[str, Any]) -> None:
    found = step(attributes, kind="tool", name="weather")
    assert (brief(found.input), brief(found.output)) == ('A:weather({"city":"Oslo"})', "T:=sunny")


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.tool.definitions": [{"type": "function", **TOOL}]},
        {"gen_ai.tool.definitions": [{"type": "function", "function": TOOL}]},
        {
            "ai.prompt.tools": [
                json.dumps(
                    {
                        "type": "function",
                        "name": "weather",
                        "description": "tells the sky",
                        "inputSchema": {"type": "object"},
                    }
                )
            ]
        },
        {
            "model_request_parameters": {
                "function_tools": [
                    {"name": "weather", "description": "tells the sky", "parameters_json_schema": {"type": "object"}}
                ],
                "output_tools": [],
            }
        },
        {"llm.invocation_parameters": {"temperature": 1, "tools": [{"type": "function", "function": TOOL}]}},
        {
            "langfuse.observation.input": {
                "messages": OPENAI,
                "tools": [{"name": "weather", "description": "tells the sky", "input_schema": {"type": "object"}}],
            }
        },
        {
            "input.value": {
                "messages": OPENAI,
                "tools": [
                    {
                        "toolSpec": {
                            "name": "weather",
                            "description": "tells the sky",
                            "inputSchema": {"json": {"type": "object"}},
                        }
                    }
                ],
            }
        },
    ],
    ids=lambda attributes: next(iter(attributes)),
)
def test_the_tools_that_were_offered(attributes: dict[str, Any]) -> None:
    assert step(attributes).tools == [TOOL]


def test_long_media_is_told_by_its_size_and_short_media_is_kept() -> None:
    short, long = "data:image/png;base64,AAAA", "data:image/png;base64," + "A" * 100_000
    content = [{"type": "image_url", "image_url": {"url": url}} for url in (short, long)]
    [message] = step({"input.value": [{"role": "user", "content": content}]}).input
    assert message["parts"] == [
        {"type": "media", "modality": "image", "media_type": "image/png", "url": short},
        {"type": "media", "modality": "image", "media_type": "image/png", "size": len(long)},
    ]


def test_a_message_that_repeats_is_read_once() -> None:
    reader, text = Reader(), json.dumps(CONVENTIONS)
    first, second = (reader.step({"gen_ai.input.messages": text}).input for _ in range(2))
    assert all(one is other for one, other in zip(first, second, strict=True))


MEMBERS = [
    *("role", "content", "parts", "type", "text", "tool_calls", "name", "arguments", "messages", "id", "kwargs"),
    *("function", "image_url", "url", "input", "output", "response", "functionCall", "toolResult", "system", "tools"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(MEMBERS) | st.text(max_size=4),
            inner | st.sampled_from(["user", "assistant", "text", "tool_call", "tool_result", "image", "constructor"]),
            max_size=5,
        )
    ),
    max_leaves=25,
)
KEYS = st.sampled_from(
    [
        *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "input.value"),
        *("llm.input_messages.0.message.content", "gen_ai.prompt.0.content", "gen_ai.prompt.0.tool_calls.0.name"),
        *("gen_ai.tool.definitions", "ai.response.toolCalls", "pydantic_ai.all_messages", "output.value"),
        *("lk.response.function_calls", "gcp.vertex.agent.llm_request", "llm.tools.0.tool.json_schema"),
        *("ai.prompt.tools", "gen_ai.tool.call.arguments"),
    ]
)
ODD = st.sampled_from(
    ["[" * 5000, '"\\ud800"', "{", "1e999", "[null]", '{"a": NaN}', '[{"role": "user", "content": 7}]']
)
TEXTS = JSON.map(json.dumps) | st.text(max_size=30) | ODD
EVENTS = st.tuples(
    st.sampled_from(["gen_ai.user.message", "gen_ai.choice", "gen_ai.tool.message", "x"]),
    st.dictionaries(st.sampled_from(["content", "message", "tool_calls", "id"]), TEXTS, max_size=3),
)
KINDS = st.sampled_from(["model", "tool", "agent"])


@given(st.dictionaries(KEYS, TEXTS, max_size=5), st.lists(EVENTS, max_size=3), KINDS)
def test_no_text_of_a_client_breaks_the_reading(attributes: dict[str, str], events: list[Event], kind: str) -> None:
    found = Reader().step(attributes, events, kind, "tool")
    for message in (*found.input, *found.output):
        assert isinstance(message["role"], str)
        for part in message["parts"]:
            assert part["type"] in {"text", "reasoning", "tool_call", "tool_result", "media", "other"}
    assert all(isinstance(tool["name"], str) for tool in found.tools)


@given(TEXTS, st.sampled_from([USER, MODEL]))
def test_no_text_of_a_client_breaks_a_preview(text: str, roles: frozenset[str]) -> None:
    assert isinstance(said(text, roles), str)
    assert isinstance(message_text(text, roles), str)


@pytest.mark.parametrize("seed", range(3))
def test_a_reader_reads_lists_that_grow_as_one_that_reads_each_alone(seed: int) -> None:
    chance, known = random.Random(seed), Reader()
    odd: list[Any] = [
        *("text", None, 1, {"type": "text", "text": "a part"}, {"content": "no role"}, {"role": 1, "content": "odd"}),
        *(
            {"role": "user", "content": "\ud800"},
            {"role": "user", "content": 2**70},
            [{"role": "user", "content": "in"}],
        ),
    ]
    for _ in range(30):
        history: list[Any] = []
        written = "["
        for number in range(chance.randint(1, 12)):
            plain = {
                "role": chance.choice(["user", "assistant"]),
                "content": f"{number} {chance.choice(['a', 'é', '],'])}",
            }
            added = chance.choice(odd) if chance.random() < 0.08 else plain
            history.append(added)
            written += f"{',' if number else ''}{chance.choice(['', ' ', chr(10)])}{json.dumps(added)}"
            if chance.random() < 0.7:
                text = written + chance.choice(["]", " ]", "] "]) if chance.random() < 0.95 else written
                attributes = {"gen_ai.input.messages": text}
                assert known.step(attributes) == Reader().step(attributes)
        if chance.random() < 0.3:
            cut = {"gen_ai.input.messages": json.dumps(history[1:])}
            assert known.step(cut) == Reader().step(cut)
