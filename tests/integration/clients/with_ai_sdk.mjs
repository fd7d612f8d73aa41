// Sessions as the Vercel AI SDK's documentation has them, sent by gRPC; its own mock model answers.
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { defaultResource, detectResources, envDetector } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { generateText, jsonSchema, simulateReadableStream, stepCountIs, streamText, tool } from "ai";
import { MockLanguageModelV3 } from "ai/test";

const exporter = new OTLPTraceExporter({ url: process.env.GRPC_ENDPOINT });
const provider = new NodeTracerProvider({
  resource: defaultResource().merge(detectResources({ detectors: [envDetector] })),
  spanProcessors: [new BatchSpanProcessor(exporter)],
});
provider.register();

const usage = {
  inputTokens: { total: 12, noCache: 12, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
};
const stopped = { finishReason: { unified: "stop", raw: "stop" }, usage };
const called = { finishReason: { unified: "tool-calls", raw: "tool_calls" }, usage };
const text = { content: [{ type: "text", text: "It rains in Oslo." }], ...stopped, warnings: [] };
const toolCall = { type: "tool-call", toolCallId: "call-1", toolName: "weather", input: '{"city":"Oslo"}' };
const answers = (...given) => new MockLanguageModelV3({ modelId: "gpt-4o", doGenerate: async () => given.shift() });
const telemetry = (sessionId, userId) => ({
  isEnabled: true,
  functionId: "chat",
  metadata: { sessionId, userId, tags: ["chat", "test"] },
});

await generateText({
  model: answers(text),
  prompt: "Does it rain?",
  experimental_telemetry: telemetry("ai-sdk text", "ada"),
});

const streaming = new MockLanguageModelV3({
  modelId: "gpt-4o",
  doStream: async () => ({
    stream: simulateReadableStream({
      chunks: [
        { type: "stream-start", warnings: [] },
        { type: "text-start", id: "1" },
        { type: "text-delta", id: "1", delta: "It rains" },
        { type: "text-delta", id: "1", delta: " in Oslo." },
        { type: "text-end", id: "1" },
        { type: "finish", ...stopped },
      ],
    }),
  }),
});
const streamed = streamText({
  model: streaming,
  system: "Be brief.",
  messages: [{ role: "user", content: "And in Oslo?" }],
  experimental_telemetry: telemetry("ai-sdk text", "ada"),
});
await streamed.consumeStream();

const weather = tool({
  inputSchema: jsonSchema({ type: "object", properties: { city: { type: "string" } } }),
  execute: async () => "rain",
});
await generateText({
  model: answers({ content: [toolCall], ...called, warnings: [] }, text),
  tools: { weather },
  stopWhen: stepCountIs(3),
  prompt: "Does it rain?",
  experimental_telemetry: telemetry("ai-sdk tools", "bob"),
});

await provider.shutdown();
console.log("flushed");
