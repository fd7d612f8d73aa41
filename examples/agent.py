# /// script
# requires-python = ">=3.11"
# dependencies = ["otel-sessions", "pydantic-ai-slim"]
# ///
"""An agent of Pydantic AI with its test model, instrumented by itself: one session, one trace a run.

python examples/run.py agent
"""

from __future__ import annotations

from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.test import TestModel

from otel_sessions import configure, session

provider = configure("agent")
agent = Agent(TestModel(), name="guide")
agent.instrument = InstrumentationSettings(tracer_provider=provider)


@agent.tool_plain
def weather(place: str) -> str:
    return f"clear over {place}"


with session("trip to the hut", user_id="ada"):
    for question in ("Where shall we go?", "And the weather?"):
        print(agent.run_sync(question).output)
