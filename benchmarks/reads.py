"""What reads cost as data grows: `python -m benchmarks.reads --spans 1000000 10000000 --data DIRECTORY`.

Stores spans in 100,000 sessions by INSERT SELECT, so that the views sum them, corrects the share of traces that is in
doubt by the attributor, and times what people read beside a raw GROUP BY over `otel_traces`. Then what a span costs: on
disk against the Collector's schema, both merged, and of CPU at the insert.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from clickhouse_connect.driver.client import Client

from benchmarks.attribution import WEEK_NS
from otel_sessions.clickhouse import inserts
from otel_sessions.clickhouse.client import Endpoint, connect
from otel_sessions.clickhouse.rows import STORED
from otel_sessions.clickhouse.sql import statement
from otel_sessions.component import DEFAULT_PROJECT
from otel_sessions.queries import detail, keyed
from otel_sessions.queries.facets import facets
from otel_sessions.queries.filters import Filter
from otel_sessions.queries.listing import Sort, Wanted, list_sessions
from otel_sessions.queries.metrics import Measured, metrics
from otel_sessions.queries.spans import list_spans
from otel_sessions.sessions import attribution, migrations

SESSIONS = 100_000
SPANS_A_TRACE = 8
DAY_NS = 86_400 * 10**9
SPAN_NS = 30 * DAY_NS
"""What is stored is of the last thirty days."""
TRACES_AN_INSERT = 65_536
LONG_TRACES = 20_000
TRACES_A_LOOK = 8192
INSERTED_ROWS = 65_536
SESSION = "session-000123"
RARE_WORD = "zanzibar"
"""One trace in 50,000 has it."""
OWN = ("otel_traces", "_session_turns", "_session_activity", "_trace_claims", "_corrections", "_corrected_spans")
COLLECTORS = ("_collector", "_collector_trace_id_ts")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--spans", type=int, nargs="+", default=[1_000_000], help="a store and a table each")
    arguments.add_argument("--doubtful", type=float, default=1.0, help="per cent of traces in doubt (default 1)")
    arguments.add_argument("--times", type=int, default=20, help="how often each read is timed (default 20)")
    arguments.add_argument("--data", type=Path, required=True, help="a directory for the stores; kept, and used again")
    arguments.add_argument("--reads-only", action="store_true", help="neither bytes on disk nor inserts")
    chosen = arguments.parse_args()
    for spans in chosen.spans:
        client = opened(chosen.data / f"{spans}-{chosen.doubtful:g}", spans, chosen.doubtful)
        report(client, chosen.times)
        if not chosen.reads_only:
            sizes(client)
            costs(client)
        client.close()


def opened(path: Path, spans: int, doubtful: float) -> Client:
    """A client of the store at this path, which is filled where there is none."""
    is_new = not path.exists()
    client = connect(Endpoint.parse(f"chdb://{path}"))
    migrations.apply(client, "otel")
    client.command("USE otel")
    if is_new:
        fill(client, spans, doubtful)
    return client


def fill(client: Client, spans: int, doubtful: float) -> None:
    traces, begin = spans // SPANS_A_TRACE, time.time_ns() - SPAN_NS
    every = round(100 / doubtful) if doubtful else 0
    shape = {"sessions": SESSIONS, "doubtful": every, "session_id": "", "salt": "", "begin": begin}
    for first in range(0, traces, TRACES_AN_INSERT):
        last = min(first + TRACES_AN_INSERT, traces)
        store(client, {**shape, "step_ns": SPAN_NS // traces, "first": first, "last": last})
    long = {**shape, "session_id": "long", "salt": "long", "step_ns": SPAN_NS // LONG_TRACES}
    store(client, {**long, "first": 0, "last": LONG_TRACES})
    merge_as_time_does(client)
    stored = client.query("SELECT DISTINCT Project, TraceId FROM _trace_claims").result_rows
    in_doubt = 0
    for start in range(0, len(stored), TRACES_A_LOOK):
        found = attribution.find(client, [(row[0], row[1]) for row in stored[start : start + TRACES_A_LOOK]])
        attribution.correct(client, [doubt.trace for doubt in found])
        in_doubt += len(found)
    attribution.record(
        client, "benchmarks", attribution.server_time(client)
    )  # a service on it has none of it to do again
    print(f"{spans + LONG_TRACES * SPANS_A_TRACE:,} spans, {in_doubt:,} traces in doubt")


def merge_as_time_does(client: Client) -> None:
    """Of turns each week but this one, and bounds, as the tables do by themselves a day after its end and each hour."""
    client.command("OPTIMIZE TABLE _session_activity FINAL")
    weeks = client.query("SELECT DISTINCT toString(Week) FROM _session_turns WHERE Week < toMonday(now())").result_rows
    for (week,) in weeks:
        client.command(f"OPTIMIZE TABLE _session_turns PARTITION '{week}' FINAL")


def store(client: Client, shape: dict[str, int | str], table: str = "otel_traces") -> None:
    sql = statement(__package__, "reads_fill").replace("INTO otel_traces", f"INTO {table}")
    client.raw_query(sql, parameters=shape, settings=inserts.settings(client))


def report(client: Client, times: int) -> dict[str, float]:
    """Prints p50 and p95 in ms of each read, and the CPU ms of the process, which other work disturbs less.

    Each is made once before: the first of a process opens files and compiles expressions, and would be the p95.
    Returns by name how many times the CPU of the first read it is.
    """
    print(f"{'':44}{'p50 ms':>8}{'p95 ms':>8}{'CPU ms':>8}{'x raw':>8}")
    found: dict[str, float] = {}
    raw = 0.0
    for name, read in reads(client):
        read()
        walls, cpus = [], []
        for _ in range(times):
            wall, cpu = time.perf_counter(), time.process_time()
            read()
            walls.append((time.perf_counter() - wall) * 1000)
            cpus.append((time.process_time() - cpu) * 1000)
        p95 = sorted(walls)[min(times - 1, int(times * 0.95))]
        raw = raw or statistics.median(cpus)
        found[name] = statistics.median(cpus) / raw
        figures = f"{statistics.median(walls):8.0f}{p95:8.0f}{statistics.median(cpus):8.0f}{found[name]:8.2f}"
        print(f"{name:44}{figures}", flush=True)
    return found


def reads(client: Client) -> Iterator[tuple[str, Callable[[], object]]]:
    now = time.time_ns()
    week = now - WEEK_NS

    def listed(sort: Sort = "last_activity", **chosen: object) -> Callable[[], object]:
        filter_ = Filter(**chosen)  # type: ignore[arg-type]
        return lambda: list_sessions(client, Wanted(DEFAULT_PROJECT, filter_, sort), now_ns=now)

    def queried(sql: str) -> Callable[[], object]:
        return lambda: client.raw_query(sql, parameters={"id": SESSION})

    scope = {"project": DEFAULT_PROJECT, "session_id": SESSION}
    yield "raw GROUP BY session", queried(statement(__package__, "reads_raw"))
    for sort in ("last_activity", "cost", "tokens", "errors", "duration"):
        yield f"50 sessions by {sort}", listed(sort)  # type: ignore[arg-type]
    yield "50 of a user", listed(user_id="user-123")
    yield "50 of a model", listed(model="gpt-4o")
    yield "50 with errors", listed(has_error=True)
    yield "50 of a tag", listed(tag="tag-7")
    yield "50 of metadata", listed(query="metadata.tenant:tenant-7")
    # Turns of a session are 58 hours apart: of three days one has none of the sessions that were active last.
    for days in (8, 7, 6):
        begin = now - days * DAY_NS
        yield f"50 of a day {days} days ago", listed(from_ns=begin, to_ns=begin + DAY_NS)
    yield "50 of a word and a week", listed(query=RARE_WORD, from_ns=week, to_ns=now)
    yield "50 of a phrase and a week", listed(query='"the answer is"', from_ns=week, to_ns=now)
    yield "totals of sessions", queried("SELECT count(), sum(SpanCount), sum(Cost) FROM sessions")
    yield "cost by day", queried("SELECT toDate(Minute) AS Day, sum(Cost) FROM session_timeline GROUP BY Day")
    yield "models with counts", lambda: facets(client, project=DEFAULT_PROJECT, field="model", limit=50, now_ns=now)
    yield "metrics by model", lambda: metrics(client, Measured(DEFAULT_PROJECT, group_by="model"), now_ns=now)
    yield "one session", lambda: detail.get_session(client, **scope, now_ns=now)
    yield "its row", lambda: keyed.select(client, "session_rows", scope)
    yield "one session, SQL", queried("SELECT * FROM sessions WHERE SessionId = {id:String}")
    yield "its turns", lambda: detail.list_traces(client, **scope, limit=100)
    yield "its turns, SQL", queried("SELECT * FROM session_traces WHERE SessionId = {id:String} ORDER BY StartTime")
    yield "its spans", lambda: list_spans(client, **scope, limit=1000)
    yield "its spans, SQL", queried("SELECT * FROM session_spans WHERE SessionId = {id:String} ORDER BY Timestamp")
    long = {**scope, "session_id": "long"}
    yield "50 of 20,000 turns", lambda: detail.list_traces(client, **long, limit=50)


def sizes(client: Client) -> None:
    """Bytes a span of the tables, and of the Collector's two with ZSTD(3) for a million of the same spans.

    All are merged, ours as copies, so that the store is read as it was.
    """
    for table in COLLECTORS:
        client.command(f"DROP TABLE IF EXISTS {table}")
    for sql in statement(__package__, "reads_collector").split(";\n"):
        client.command(sql)
    for table in OWN:
        client.command(f"CREATE OR REPLACE TABLE _merged{table} CLONE AS {table}")
    copies = (*COLLECTORS, *(f"_merged{table}" for table in OWN))
    for table in copies:
        client.command(f"OPTIMIZE TABLE {table} FINAL")
    rows = dict(client.query(statement(__package__, "reads_sizes"), {"tables": list(copies)}).result_rows)
    print("bytes a span: " + ", ".join(f"{table} {nbytes:.1f}" for table, nbytes in rows.items()))
    theirs = sum(rows.pop(table) for table in COLLECTORS)
    own = sum(rows.values())
    print(f"together {own:.1f}, {own / theirs:.2f} times the Collector's {theirs:.1f}")
    for table in copies:
        client.command(f"DROP TABLE {table}")


def costs(client: Client, times: int = 3) -> None:
    """CPU a span of inserts of 65,536 rows, merges left out: with all views, and into the table alone."""
    client.command("CREATE OR REPLACE TABLE _block AS otel_traces ENGINE = Memory")
    client.command("CREATE OR REPLACE TABLE _alone AS otel_traces")
    shape = {"sessions": SESSIONS, "doubtful": 0, "session_id": "", "begin": time.time_ns(), "step_ns": 100_000}
    used = {"otel_traces": 0.0, "_alone": 0.0}
    for number in range(times):
        client.command("TRUNCATE TABLE _block")
        store(
            client, {**shape, "salt": f"{time.time_ns()}", "first": 0, "last": INSERTED_ROWS // SPANS_A_TRACE}, "_block"
        )
        columns = ", ".join(f"`{name}`" for name in STORED.names)
        block = client.raw_query(f"SELECT {columns} FROM _block", fmt="ArrowStream")
        for table in used:
            begin = time.process_time()
            client.raw_insert(
                table,
                STORED.names,
                block,
                settings=inserts.settings(client, f"{table}{number}{begin}"),
                fmt="ArrowStream",
            )
            used[table] += time.process_time() - begin
    each = {table: seconds / times / INSERTED_ROWS * 1e6 for table, seconds in used.items()}
    print(f"us CPU a span at the insert: {each['otel_traces']:.1f}, the table alone {each['_alone']:.1f}")
    for table in ("_block", "_alone"):
        client.command(f"DROP TABLE {table}")


if __name__ == "__main__":
    main()
