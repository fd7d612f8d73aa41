"""Sessions as OpenLLMetry's documentation has them; the service and the model server are known by environment."""

import os

import openai
from opentelemetry import trace
from traceloop.sdk import Instruments, Traceloop
from traceloop.sdk.decorators import task, workflow

endpoint = os.environ["SENT_TO"]
sessions = f"openllmetry {endpoint.partition(':')[0]}"

Traceloop.init(app_name="client", api_endpoint=endpoint, instruments={Instruments.OPENAI})
client = openai.OpenAI()


def ask(question, **options):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
    return client.chat.completions.create(model="gpt-4o", messages=messages, **options)


@task(name="answer")
def answer(question):
    return ask(question).choices[0].message.content


@workflow(name="chat")
def chat(question):
    # Known only when the workflow has begun, as in a handler of requests.
    Traceloop.set_association_properties({"session_id": f"{sessions} workflow", "user_id": "ada"})
    return answer(question)


chat("Does it rain?")
Traceloop.set_association_properties({"session_id": f"{sessions} calls", "user_id": "bob"})
ask("Does it rain?")
list(ask("And in Oslo?", stream=True, stream_options={"include_usage": True}))

trace.get_tracer_provider().force_flush()
print("flushed")
