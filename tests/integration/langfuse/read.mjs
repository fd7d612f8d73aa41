// Reads sessions, traces, scores and comments with the Langfuse SDK for JavaScript; `node read.mjs SESSION TRACE`.
import { LangfuseClient } from "@langfuse/client";

const [sessionId] = process.argv.slice(2);
const { api } = new LangfuseClient();

const session = await api.sessions.get(sessionId);
const listed = await api.sessions.list({ limit: 50 });
const traces = [];
for (let page = 1, pages = 1; page <= pages; page++) {
  const answer = await api.trace.list({ sessionId, page, limit: 2 });
  traces.push(...answer.data.map((each) => [each.name, each.userId ?? null, each.observations.length]));
  pages = answer.meta.totalPages;
}
const older = await api.scores.getMany({ sessionId });
const scores = await api.scoresV3.getManyV3({ sessionId, fields: "subject" });
const comments = await api.comments.get({ objectType: "SESSION", objectId: sessionId });
console.log(
  JSON.stringify({
    listed: listed.data.some((each) => each.id === sessionId),
    session: [session.id, session.environment, session.traces.length],
    traces,
    older: older.data.map((each) => [each.name, each.stringValue ?? null]).sort(),
    scores: scores.data.map((each) => [each.name, each.dataType, each.value, each.subject.kind]).sort(),
    comments: comments.data.map((each) => [each.objectType, each.objectId, each.content]),
  }),
);
