"""The ways to name a session that Langfuse's documentation shows for its Python SDK 3 and newer, as programs.

Only the line that imports differs from what runs with that SDK: `{package}` stands for it.
"""

from __future__ import annotations

DECORATOR = """
from {package} import get_client, observe

@observe()
def answer(question):
    langfuse = get_client()
    langfuse.update_current_trace(session_id="decorated")
    return look_up(question)

@observe()
def look_up(question):
    return question + "!"

answer("ready?")
"""

DIRECT = """
from {package} import get_client

langfuse = get_client()

with langfuse.start_as_current_span(name="chat-message") as root_span:
    root_span.update_trace(session_id="direct")
    with root_span.start_as_current_generation(name="reply", model="gpt-4o") as generation:
        generation.update(output="hello", usage_details={{"input": 5, "output": 2}})
"""

WITHOUT_REFERENCE = """
from {package} import get_client

langfuse = get_client()

with langfuse.start_as_current_span(name="other-operation"):
    langfuse.update_current_trace(session_id="unreferenced")
"""

PROPAGATED_BY_DECORATOR = """
from {package} import observe, propagate_attributes

@observe()
def process(question):
    with propagate_attributes(session_id="propagated"):
        return step(question)

@observe()
def step(question):
    return question + "!"

process("ready?")
"""

PROPAGATED_DIRECTLY = """
from {package} import get_client, propagate_attributes

langfuse = get_client()

with langfuse.start_as_current_observation(as_type="span", name="chat-message") as root_span:
    with propagate_attributes(session_id="propagated directly"):
        with root_span.start_as_current_observation(as_type="generation", name="reply", model="gpt-4o") as generation:
            generation.update(output="hello")
"""

SAMPLES = {
    "decorated": DECORATOR,
    "direct": DIRECT,
    "unreferenced": WITHOUT_REFERENCE,
    "propagated": PROPAGATED_BY_DECORATOR,
    "propagated directly": PROPAGATED_DIRECTLY,
}


def program(sample: str) -> str:
    return sample.format(package="otel_sessions")
