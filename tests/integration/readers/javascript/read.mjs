// Reads with nothing configured but the address, and with each of the client's options that change what it sends.
import { ClickHouseLogLevel, createClient } from "@clickhouse/client";

const url = process.argv[2];
const ways = {
  default: {},
  compressed: { compression: { response: true, request: true } },
  database: { database: "otel" },
  settings: { clickhouse_settings: { wait_end_of_query: 1, date_time_output_format: "iso" } },
};

for (const [way, options] of Object.entries(ways)) {
  const client = createClient({ url, log: { level: ClickHouseLogLevel.OFF }, ...options });
  const ping = await client.ping();
  const parameters = { query_params: { id: "a session" }, format: "JSON" };
  const answer = await client.query({
    query: "SELECT SessionId, TotalTokens, UserIds FROM sessions WHERE SessionId = {id:String}",
    ...parameters,
  });
  const { data } = await answer.json();
  const stream = (await client.query({ query: "SELECT number FROM numbers(100000)", format: "JSONEachRow" })).stream();
  let rows = 0;
  for await (const chunk of stream) rows += chunk.length;
  const refused = await client.command({ query: "DROP TABLE sessions" }).then(() => null, (error) => error.code);
  const unknown = await client.query({ query: "SELECT nothing" }).then(() => null, (error) => error.type);
  console.log(JSON.stringify({ way, ping: ping.success, data, rows, refused, unknown }));
  await client.close();
}
