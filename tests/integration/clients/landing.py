"""Programs of client libraries, the service that they send to, and what of it is read back."""

from __future__ import annotations

from typing import Any

from tests import installing
from tests.integration.clients import openai_server
from tests.integration.running import Running

SESSIONS = (
    "SessionId, TraceCount, SpanCount, ErrorCount, UserIds, ServiceNames, Tags, Models, InputTokens, OutputTokens, "
    "TotalTokens, Cost > 0"
)
TURNS = "Name, SpanCount, UserId, Input, Output, Models, InputTokens, OutputTokens"


def run(running: Running, command: list[str], **environment: str) -> None:
    """Runs a program that knows the service and the model server by its environment alone."""
    http, grpc = (f"http://{running.endpoints[name]}" for name in ("otlp/http", "otlp/grpc"))
    with openai_server.serving() as url:
        model = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-test"}
        ours = {"OTEL_EXPORTER_OTLP_ENDPOINT": http, "GRPC_ENDPOINT": grpc, "OTEL_SERVICE_NAME": "client"}
        assert installing.run(command, **model, **ours, **environment).endswith("flushed\n")


def sessions(running: Running, prefix: str) -> list[list[Any]]:
    query = f"SELECT {SESSIONS} FROM sessions WHERE startsWith(SessionId, {{prefix:String}}) ORDER BY SessionId"
    return running.sql(query, prefix=f"{prefix} ")


def turns(running: Running, session: str) -> list[list[Any]]:
    query = f"SELECT {TURNS} FROM session_traces WHERE SessionId = {{id:String}} ORDER BY StartTime"
    return running.sql(query, id=session)


def spans(running: Running, session: str, columns: str) -> list[list[Any]]:
    order = "StartTimeUnixNano, ParentSpanId != ''"  # a client's clock may give a root and its child one time
    query = f"SELECT {columns} FROM session_spans WHERE SessionId = {{id:String}} ORDER BY {order}"
    return running.sql(query, id=session)
