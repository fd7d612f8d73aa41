# SPDX-License-Identifier: Apache-2.0
"""Jobs that delete the sessions that a query chooses: kept in ClickHouse, so that whoever comes next can go on.

A job deletes as many sessions as it found when it began, the oldest first; its row says how far it is.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from otel_sessions.clickhouse.errors import writing
from otel_sessions.clickhouse.inserts import settings
from otel_sessions.clickhouse.sql import statement
from otel_sessions.queries.filters import Filter
from otel_sessions.queries.rows import Row, composed, run, select
from otel_sessions.sessions import deletion
from otel_sessions.sessions.deletion import SESSIONS_AT_ONCE

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client as FullClient

    from otel_sessions.clickhouse.surface import Client

State = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Deletion:
    """A job. `from_ns` and `to_ns` are the window of its filter, None where there is no end."""

    project: str
    id: str
    query: str
    from_ns: int | None
    to_ns: int | None
    state: State = "running"
    found: int = 0
    deleted: int = 0
    error: str = ""
    created_ns: int = 0

    @property
    def filter(self) -> Filter:
        return Filter(query=self.query, from_ns=self.from_ns, to_ns=self.to_ns)


def begin(client: Client, *, project: str, chosen: Filter, now_ns: int) -> Deletion:
    """Stores a job that deletes what `chosen` chooses, and returns it with how many sessions it found.

    Raises `LanguageError`, `Retryable` or `Permanent`.
    """
    job = Deletion(project, secrets.token_hex(8), chosen.query, chosen.from_ns, chosen.to_ns, created_ns=now_ns)
    job = replace(job, found=count(client, project=project, chosen=chosen, now_ns=now_ns))
    _store(client, job)
    return job


def count(client: Client, *, project: str, chosen: Filter, now_ns: int) -> int:
    """How many sessions `chosen` chooses. Raises `LanguageError`, `Retryable` or `QueryError`."""
    job = Deletion(project, "", chosen.query, chosen.from_ns, chosen.to_ns, created_ns=now_ns)
    (row,) = _chosen(client, job, "deletion_count")
    return int(row["Count"])


def get(client: Client, *, project: str, id_: str) -> Deletion | None:
    rows = select(client, "deletion", {"project": project, "id": id_})
    return _job(rows[0]) if rows else None


def unfinished(client: Client) -> list[Deletion]:
    """The jobs of all projects that were not brought to their end."""
    return [_job(row) for row in select(client, "deletions_running", {})]


def recounted(client: Client, job: Deletion) -> Deletion:
    """A job that was cut short, with the sessions counted that were deleted and not noted any more."""
    left = count(client, project=job.project, chosen=job.filter, now_ns=job.created_ns)
    return replace(job, deleted=max(job.deleted, job.found - left))


def recent(client: Client, *, project: str, since_ns: int, limit: int) -> list[Deletion]:
    """The jobs of a project that run, and behind them those that ended since then: the last begun first."""
    return [
        _job(row) for row in select(client, "deletions_of", {"project": project, "since": since_ns, "limit": limit})
    ]


def step(client: FullClient, job: Deletion, tried: set[str], *, forget_for: timedelta | None) -> Deletion:
    """Deletes some sessions more of a job that runs, and returns it as it is then stored; `tried` has those so far.

    Raises `Retryable` or `Permanent`; the step can be taken again then.
    """
    ids = [row["SessionId"] for row in _chosen(client, job, "deletion_ids")] if job.deleted < job.found else []
    if not ids:
        job = replace(job, state="done")
    elif tried.issuperset(ids):
        job = replace(job, state="failed", error=f"{len(ids)} sessions could not be deleted")
    else:
        deletion.delete(client, [(job.project, id_) for id_ in ids], forget_for=forget_for)
        job = replace(job, deleted=job.deleted + len(set(ids) - tried))
        tried.update(ids)
    _store(client, job)
    return job


def fail(client: Client, job: Deletion, error: str) -> None:
    """Stores that the job has failed for good."""
    _store(client, replace(job, state="failed", error=error))


def _chosen(client: Client, job: Deletion, name: str) -> list[Row]:
    condition = job.filter.condition(job.created_ns)
    bound = {"project": job.project, "created": job.created_ns, "limit": SESSIONS_AT_ONCE, **condition.parameters}
    return run(client, composed(name, CONDITION=condition.sql), bound)


def _store(client: Client, job: Deletion) -> None:
    parameters: dict[str, Any] = {
        "project": job.project,
        "id": job.id,
        "query": job.query,
        "from": _text(job.from_ns),
        "to": _text(job.to_ns),
        "state": job.state,
        "found": job.found,
        "deleted": job.deleted,
        "error": job.error,
        "created": _text(job.created_ns),
        "updated": _text(time.time_ns()),
    }
    with writing("storing a deletion"):
        client.command(
            statement(f"{__package__}.sql", "deletion_store"), parameters=parameters, settings=settings(client)
        )


def _job(row: Row) -> Deletion:
    return Deletion(
        project=row["Project"],
        id=row["DeletionId"],
        query=row["Query"],
        from_ns=row["FromNs"],
        to_ns=row["ToNs"],
        state=row["State"],
        found=row["Found"],
        deleted=row["Deleted"],
        error=row["Error"],
        created_ns=row["CreatedNs"],
    )


def _text(nanoseconds: int | None) -> str | None:
    if nanoseconds is None:
        return None
    least, most = -2_208_988_800 * 10**9, 9_214_646_400 * 10**9  # what DateTime64(9) holds
    kept = max(least, min(most, nanoseconds))
    whole = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=kept // 10**9)
    return f"{whole:%Y-%m-%d %H:%M:%S}.{kept % 10**9:09d}"
