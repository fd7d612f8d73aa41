"""Sessions as OpenInference's documentation has them; the service and the model server are known by environment."""

import openai
from openinference.instrumentation import using_attributes, using_session, using_user
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
OpenAIInstrumentor().instrument(tracer_provider=provider)
client = openai.OpenAI()
tracer = provider.get_tracer("app")


def ask(question, **options):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
    return client.chat.completions.create(model="gpt-4o", messages=messages, **options)


with using_session("openinference session"), using_user("ada"):
    ask("Does it rain?")
    list(ask("And in Oslo?", stream=True, stream_options={"include_usage": True}))

with (
    using_attributes(session_id="openinference attributes", user_id="bob", tags=["chat", "test"]),
    tracer.start_as_current_span("chain", attributes={"openinference.span.kind": "CHAIN"}) as chain,
):
    # The usage of the call below, repeated as frameworks do.
    chain.set_attributes({"llm.token_count.prompt": 12, "llm.token_count.completion": 5})
    ask("Does it rain?")

provider.shutdown()
print("flushed")
