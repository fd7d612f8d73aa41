// Sessions with the Langfuse SDK for JavaScript; `node sessions.mjs` with its environment variables set.
import { LangfuseClient } from "@langfuse/client";
import { LangfuseSpanProcessor } from "@langfuse/otel";
import { propagateAttributes, startActiveObservation, startObservation } from "@langfuse/tracing";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const provider = new NodeTracerProvider({ spanProcessors: [new LangfuseSpanProcessor()] });
provider.register();
const langfuse = new LangfuseClient();

await startActiveObservation("user-message", async (span) => {
  await propagateAttributes({ sessionId: "js session", userId: "eve", tags: ["chat"] }, async () => {
    span.update({ input: "hi" });
    startObservation(
      "generate",
      { model: "gpt-4o", usageDetails: { input: 10, output: 20 }, output: "hello" },
      { asType: "generation" },
    ).end();
    langfuse.score.observation(span, { name: "span score", value: 0.5 });
    langfuse.score.trace(span, { name: "trace score", value: "good", dataType: "CATEGORICAL" });
  });
});
langfuse.score.create({ sessionId: "js session", name: "session score", value: 1, dataType: "BOOLEAN" });

await langfuse.flush();
await provider.shutdown();
console.log("flushed");
