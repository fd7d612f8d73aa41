# /// script
# requires-python = ">=3.11"
# dependencies = ["otel-sessions", "fastapi", "uvicorn", "httpx"]
# ///
"""A chat application: FastAPI, answers streamed word by word, one session a conversation.

    python examples/run.py chat            # talks to itself, three turns in each of two sessions
    python examples/run.py chat --serve    # curl -N localhost:8000/chat -H 'X-Session: me' -d '{"message": "hello"}'

The model is a fake. With OPENAI_BASE_URL (and OPENAI_API_KEY, OPENAI_MODEL) it is that of any OpenAI-compatible server.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator

import httpx
import uvicorn
from fastapi import FastAPI, Header
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from otel_sessions import configure, get_client, observe, session

app = FastAPI()
histories: dict[str, list[dict[str, str]]] = {}


class Message(BaseModel):
    message: str


@app.post("/chat")
async def chat(body: Message, x_session: str = Header()) -> StreamingResponse:
    with session(x_session, user_id=f"user of {x_session}", tags=["example"]):
        return StreamingResponse(turn(x_session, body.message), media_type="text/plain")


@observe(name="chat turn")
async def turn(conversation: str, message: str) -> AsyncIterator[str]:
    """Runs after `chat` has returned, and belongs to its session all the same."""
    history = histories.setdefault(conversation, [])
    history.append({"role": "user", "content": message})
    reply = ""
    async for piece in complete(history):
        reply += piece
        yield piece
    history.append({"role": "assistant", "content": reply})


@observe(as_type="generation", capture_input=False)
async def complete(messages: list[dict[str, str]]) -> AsyncIterator[str]:
    model = os.environ.get("OPENAI_MODEL", "fake-1")
    client = get_client()
    client.update_current_generation(model=model, input=messages)
    written = 0
    stream = remote(messages, model) if os.environ.get("OPENAI_BASE_URL") else fake(messages)
    async for piece in stream:
        written += 1
        yield piece
    read = sum(len(each["content"].split()) for each in messages)
    client.update_current_generation(usage_details={"input": read, "output": written})


async def fake(messages: list[dict[str, str]]) -> AsyncIterator[str]:
    for word in f"You said: {messages[-1]['content']}. That was message {len(messages)}.".split(" "):
        await asyncio.sleep(0.01)
        yield word + " "


async def remote(messages: list[dict[str, str]], model: str) -> AsyncIterator[str]:
    headers = {"Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', '')}"}
    url = os.environ["OPENAI_BASE_URL"].rstrip("/") + "/chat/completions"
    body = {"model": model, "messages": messages, "stream": True}
    async with (
        httpx.AsyncClient(timeout=60) as http,
        http.stream("POST", url, json=body, headers=headers) as answer,
    ):
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if line.startswith("data: {"):
                choices = json.loads(line[6:]).get("choices") or [{}]
                if text := choices[0].get("delta", {}).get("content"):
                    yield text


async def talk() -> None:
    """Two people at once, without a socket."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://chat", timeout=60) as http:

        async def person(name: str) -> None:
            for message in ("Hello", "What is a session?", "Thanks"):
                answer = await http.post("/chat", json={"message": message}, headers={"X-Session": f"chat of {name}"})
                print(f"{name}: {message}\n     {answer.text}")

        await asyncio.gather(person("ada"), person("ben"))


if __name__ == "__main__":
    configure("chat")
    if "--serve" in sys.argv:
        uvicorn.run(app, host=os.environ.get("HOST", "127.0.0.1"), port=8000)
    else:
        asyncio.run(talk())
        get_client().score_session(session_id="chat of ada", name="csat", value=5, comment="from the example")
