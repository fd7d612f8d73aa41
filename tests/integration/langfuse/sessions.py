"""Sessions with the Langfuse SDK for Python, version 4 and newer; `python sessions.py` with its variables set."""

from langfuse import get_client, observe, propagate_attributes


@observe()
def process_request():
    with propagate_attributes(session_id="py decorator", user_id="ada", tags=["chat"]):
        return answer()


@observe(as_type="generation")
def answer():
    get_client().update_current_generation(model="gpt-4o", usage_details={"input": 3, "output": 4})
    return "hello"


def direct():
    langfuse = get_client()
    with (
        langfuse.start_as_current_observation(as_type="span", name="process-chat-message", input="hi") as root_span,
        propagate_attributes(session_id="py direct", user_id="bob"),
    ):
        with root_span.start_as_current_observation(
            as_type="generation", name="generate-response", model="gpt-4o"
        ) as generation:
            generation.update(output="hello", usage_details={"input": 10, "output": 20})
        root_span.score(name="span score", value=0.5)
        root_span.score_trace(name="trace score", value="good", data_type="CATEGORICAL")


def without_a_reference():
    langfuse = get_client()
    with (
        langfuse.start_as_current_observation(as_type="span", name="process-chat-message"),
        propagate_attributes(session_id="py no reference"),
    ):
        langfuse.update_current_span(output="done")


def main():
    langfuse = get_client()
    assert langfuse.auth_check()
    process_request()
    direct()
    without_a_reference()
    langfuse.create_score(name="session score", value=1, session_id="py direct", data_type="BOOLEAN", comment="nice")
    langfuse.flush()
    print("flushed")
    langfuse.shutdown()


main()
