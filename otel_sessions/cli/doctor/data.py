# SPDX-License-Identifier: Apache-2.0
"""What ClickHouse says: whether it is there with the tables of this version, its clock, and what was stored lately."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from otel_sessions.cli import access
from otel_sessions.cli.doctor import Finding
from otel_sessions.cli.render import count
from otel_sessions.clickhouse import schema
from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.clickhouse.errors import reading
from otel_sessions.config import Config
from otel_sessions.errors import ConfigError, OtelSessionsError, SchemaError
from otel_sessions.queries import findings
from otel_sessions.queries.rows import Row
from otel_sessions.sessions import migrations

_NAMED: Final = 5
_AHEAD: Final = timedelta(minutes=5)
_MANY: Final = 20
_FEW: Final = 5
_MOSTLY: Final = 0.9
_REPEATS: Final = 3


def examine(
    config: Config, project: str, now_ns: Callable[[], int], *, max_skew_s: float, last_s: float
) -> Iterator[Finding]:
    """The findings about ClickHouse and its data, as far as it can be reached."""
    try:
        endpoint = access.endpoint_of(config)
    except ConfigError:
        yield Finding("clickhouse", "note", "no clickhouse exporter is in use, so there is nothing to read")
        return
    try:
        with access.reader(config) as client:
            yield Finding("clickhouse", "well", f"{endpoint} answers, ClickHouse {client.server_version}")
            waits = [getattr(settings, "claim_wait", 0.0) for settings in config.processors.values()]
            bounds = {"max_skew_s": max_skew_s, "last_s": last_s, "claim_wait_s": max(waits, default=0.0)}
            yield from look_over(client, endpoint, project, now_ns, **bounds)
    except access.NoData as error:
        yield Finding("clickhouse", "act", str(error))
    except OtelSessionsError as error:
        yield Finding(
            "clickhouse", "act", f"{endpoint} is not to be read: {error}", "see exporters.clickhouse.endpoint"
        )


def look_over(
    client: Client,
    endpoint: Endpoint,
    project: str,
    now_ns: Callable[[], int],
    *,
    max_skew_s: float,
    last_s: float,
    claim_wait_s: float = 0.0,
) -> Iterator[Finding]:
    """The tables, the clock, and what one project stored in the last `last_s` seconds; spans without a session may wait
    for `claim_wait_s` before they are."""
    problem = _schema(client, endpoint)
    if problem:
        yield problem
        return
    yield Finding("schema", "well", "the tables are those of this version")
    now = datetime.fromtimestamp(now_ns() / 1e9, UTC)
    window: dict[str, Any] = {"project": project, "from_": now - timedelta(seconds=last_s), "to": now, "limit": _NAMED}
    yield from _clock(client, now_ns, max_skew_s)
    yield from _ahead(findings.spans_ahead(client, **{**window, "to": now + _AHEAD}), now)
    yield from _unassigned(findings.unassigned(client, **window), claim_wait_s)
    yield from _changing(findings.changing_ids(client, **window))
    yield from _unpriced(findings.unpriced_models(client, **window))


def _schema(client: Client, endpoint: Endpoint) -> Finding | None:
    """What is wrong with the tables, None where nothing is."""
    try:
        with reading():
            missing = migrations.pending(client, endpoint.database, endpoint.cluster)
            if not missing:
                schema.check(client)
                return None
    except SchemaError as error:
        return Finding("schema", "act", str(error), "docs/operations.md, Upgrade: move the data, or use that version")
    names = ", ".join(each.name for each in missing)
    return Finding("schema", "act", f"these migrations are missing: {names}", "otel-sessions migrate applies them")


def _clock(client: Client, now_ns: Callable[[], int], max_skew_s: float) -> Iterator[Finding]:
    """How far the clock of ClickHouse is from this one, less the time that it takes to ask."""
    before = now_ns()
    there = findings.clock_ns(client)
    after = now_ns()
    skew = max(before - there, there - after, 0) / 1e9
    if skew <= max_skew_s:
        yield Finding("clock", "well", f"ClickHouse's clock is within {max(skew, 0.001):.3g} s of this one")
        return
    where = "behind" if there < before else "ahead of"
    yield Finding(
        "clock",
        "act",
        f"ClickHouse's clock is {skew:,.3g} s {where} this one",
        "let NTP set both: lists of the last hours, retention and what is active go by them",
    )


def _ahead(rows: list[Row], now: datetime) -> Iterator[Finding]:
    for row in rows:
        service = row["ServiceName"] or "(no service.name)"
        yield Finding(
            "clock",
            "act",
            f"{count(row['SpanCount'], 'span')} of {service} in the future, the last at {row['Latest'][:19]}; it is "
            f"{now:%Y-%m-%d %H:%M:%S}, UTC both",
            "let NTP set the clock of that machine: its sessions stand before all others",
        )


def _unassigned(rows: list[Row], claim_wait_s: float) -> Iterator[Finding]:
    if not rows:
        wait = f"; spans without one that came in the last {claim_wait_s:g} s wait for it" if claim_wait_s else ""
        yield Finding("sessions", "well", f"every trace that is stored has a session{wait}")
    for row in rows:
        service = row["ServiceName"] or "(no service.name)"
        yield Finding(
            "sessions",
            "act",
            f"{count(row['TraceCount'], 'trace')} of {service} without a session, as {row['OneTrace']}",
            "set session.id on one span of each trace: span.set_attribute('session.id', 'chat-42'); "
            "the page /connect shows it for each language. Traces that are no conversations: --skip sessions",
        )


def _changing(rows: list[Row]) -> Iterator[Finding]:
    changing = [row for row in rows if _changes(row)]
    if not changing:
        yield Finding("ids", "well", "session ids stay the same from turn to turn, as far as can be seen")
    for row in changing:
        service = row["ServiceName"] or "(no service.name)"
        yield Finding(
            "ids",
            "act",
            f"{row['OfOneTurn']:,} of {row['SessionCount']:,} sessions of {service} have one turn alone, their ids "
            f"under {row['Key']}, as {', '.join(row['Examples'])}",
            "an id that is new every turn keeps no conversation together: set session.id to that of the "
            f"conversation, or leave {row['Key']} out of processors.session.session_keys and conversation_keys. "
            "Where one turn is all there is to a session: --skip ids",
        )


def _changes(row: Row) -> bool:
    """Whether the ids under a key look new at every turn: nearly all sessions have one, though their users came back
    within minutes, or nobody is named and they are many."""
    sessions, single = row["SessionCount"], row["OfOneTurn"]
    if sessions < _FEW or single < _MOSTLY * sessions:
        return False
    return bool(row["Repeats"] >= _REPEATS or (not row["Named"] and sessions >= _MANY))


def _unpriced(rows: list[Row]) -> Iterator[Finding]:
    if not rows:
        yield Finding("prices", "well", "every model call with tokens has a price")
    for row in rows:
        model = row["Model"] or "(no model named)"
        yield Finding(
            "prices",
            "act",
            f"{count(row['CallCount'], 'call')} of {model}, {count(row['TotalTokens'], 'token')}, without a price",
            f"processors.session.price_table.prices: {{{model}: {{input_per_million: 1.25, output_per_million: 10}}}}; "
            "0 for a model at home. It counts from then on",
        )
