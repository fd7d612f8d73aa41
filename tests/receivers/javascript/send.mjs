// node send.mjs json|protobuf URL none|gzip: the same two spans each time, all but the encoding equal.
import { SpanKind, SpanStatusCode, TraceFlags, context, trace } from "@opentelemetry/api";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

const [encoding, url, compression] = process.argv.slice(2);
const Exporter = encoding === "json" ? JsonExporter : ProtobufExporter;
const spanIds = ["00f067aa0ba902b7", "00f067aa0ba902b8"];
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const provider = new BasicTracerProvider({
  idGenerator: { generateTraceId: () => traceId, generateSpanId: () => spanIds.shift() },
  spanProcessors: [new BatchSpanProcessor(new Exporter({ url, compression }))],
});
const tracer = provider.getTracer("test", "1.0");
const at = (ms) => new Date(1_700_000_000_000 + ms);

const root = tracer.startSpan("chat", { kind: SpanKind.SERVER, startTime: at(0) });
const linked = { traceId: "f".repeat(32), spanId: "f".repeat(16), traceFlags: TraceFlags.SAMPLED };
const child = tracer.startSpan(
  "generation",
  {
    kind: SpanKind.CLIENT,
    startTime: at(1),
    links: [{ context: linked, attributes: { why: "follows" } }],
    attributes: {
      "session.id": "chat-42 😀",
      "gen_ai.usage.input_tokens": 12,
      large: 2 ** 52,
      negative: -7,
      temperature: 0.25,
      stream: true,
      tags: ["a", "b"],
      numbers: [1, 2.5, 3],
      empty: "",
    },
  },
  trace.setSpan(context.active(), root),
);
child.addEvent("token", { index: 1 }, at(2));
child.setStatus({ code: SpanStatusCode.ERROR, message: "cut off" });
child.end(at(3));
root.end(at(4));
await provider.shutdown();
