"""An HTTP server that answers chat completions as OpenAI does: the same words and usage to everybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

MODEL = "gpt-4o-2024-08-06"
ANSWER = "It rains in Oslo."
INPUT_TOKENS, OUTPUT_TOKENS = 12, 5


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked.get("stream"):
            kind, body = "text/event-stream", "".join(f"data: {chunk}\n\n" for chunk in [*_chunks(), "[DONE]"])
        else:
            message = {"role": "assistant", "content": ANSWER}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            kind, body = "application/json", _completion("chat.completion", choices=[choice], usage=_usage())
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[str]:
    """The base URL for a client."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _chunks() -> Iterator[str]:
    for word in ("It rains", " in Oslo."):
        choice = {"index": 0, "delta": {"role": "assistant", "content": word}, "finish_reason": None}
        yield _completion("chat.completion.chunk", choices=[choice])
    stopped = {"index": 0, "delta": {}, "finish_reason": "stop"}
    yield _completion("chat.completion.chunk", choices=[stopped])
    yield _completion("chat.completion.chunk", choices=[], usage=_usage())


def _completion(kind: str, **parts: Any) -> str:
    return json.dumps({"id": "chatcmpl-1", "object": kind, "created": 1_767_225_600, "model": MODEL, **parts})


def _usage() -> dict[str, int]:
    total = INPUT_TOKENS + OUTPUT_TOKENS
    return {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS, "total_tokens": total}
