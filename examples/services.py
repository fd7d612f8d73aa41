# /// script
# requires-python = ">=3.11"
# dependencies = ["otel-sessions"]
# ///
"""Two services in two processes: the session travels from the one to the other in W3C baggage.

python examples/run.py services
"""

from __future__ import annotations

import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

from opentelemetry import context, propagate

from otel_sessions import configure, get_client, observe, session


class Stock(BaseHTTPRequestHandler):
    """What an instrumentation of a web framework does: takes trace and baggage from the headers."""

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        token = context.attach(propagate.extract(headers))
        try:
            answer = str(in_stock(self.path.strip("/"))).encode()
        finally:
            context.detach(token)
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@observe
def in_stock(article: str) -> int:
    """Knows of no session, and its span is in it."""
    return len(article)


def serve() -> None:
    configure("stock", baggage_keys=["session.id"])  # its callers are our own
    server = HTTPServer(("127.0.0.1", 0), Stock)
    print(server.server_port, flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
    server.serve_forever()


@observe
def order(base: str, article: str) -> int:
    headers: dict[str, str] = {}
    propagate.inject(headers)
    with urllib.request.urlopen(urllib.request.Request(f"{base}/{article}", headers=headers)) as answer:
        return int(answer.read())


def shop() -> None:
    configure("shop")
    command = [sys.executable, __file__, "stock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as stock:
        assert stock.stdin is not None
        assert stock.stdout is not None
        base = f"http://127.0.0.1:{stock.stdout.readline().strip()}"
        with session("order 17", user_id="ada", baggage=True):
            for article in ("tent", "rope"):
                print(article, order(base, article))
        get_client().flush()
        stock.stdin.close()


if __name__ == "__main__":
    serve() if "stock" in sys.argv else shop()
