# SPDX-License-Identifier: Apache-2.0
"""Reads of one session, or of some, at a part of what the views cost.

The views put the sums of every trace and the corrections together, and most of what they take for one session is their
plan. Here the same statements read the tables by the keys of the sessions. Of sessions that no correction is of, the
sums are the figures in force and the stored spans are theirs, so the corrections are left out; else the tables are put
together as the views do it, within these keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from otel_sessions.clickhouse import at_once as beside
from otel_sessions.clickhouse.sql import statement
from otel_sessions.queries.frozen import is_frozen
from otel_sessions.queries.remembered import remembered_by
from otel_sessions.queries.rows import Row, composed, portions, run, sections

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_ONE: Final = "= {session_id:String}"
_SOME: Final = "IN {session_ids:Array(String)}"
_COMMENT: Final = re.compile(r"^ *--.*\n", re.MULTILINE)
_VIEWS: Final = ("sessions", "session_ends", "session_traces", "session_timeline", "session_parts", "session_spans")
_KEYS: Final = r"Project = {project:String} AND (?:m\.)?SessionId "
_BEHIND: Final = rf"\s+WHERE (?:m\.)?{_KEYS}({re.escape(_ONE)}|{re.escape(_SOME)})(\s+AND\b)?"
_FROM: Final = re.compile(
    rf"\bFROM (_turn_minutes|session_scores|{'|'.join(_VIEWS)})\b(?:(?<=_turn_minutes) AS m\b)?({_BEHIND})?"
)
_ALONE: Final = re.compile(rf"\ASELECT [*] FROM ({'|'.join(_VIEWS)})\s*")
_SCORES: Final = "session_scores"
_PROBES: Final = ("in_doubt", "has_scores_inside")
Known = dict[tuple[str, str], set[str]]
"""By probe and project the sessions of which it found nothing, and by `PROBE: found` those of which it found some."""
_FOUND: Final = b'{"1":1}\n'
_MANY_MINUTES: Final = 1_000
_CONDITION: Final = "CONDITION"
_ALWAYS: Final = "1"


class _Remembering:
    """Asks once what `by_key` asks before each statement: where the statements are all of one page, that is enough."""

    def __init__(self, client: Client, known: Known) -> None:
        self.behind = client
        self._known = known
        self._probes = {_tables(keys)[name]: name for keys in (_ONE, _SOME) for name in _PROBES}

    def raw_query(self, query: str, parameters: dict[str, Any] | None = None, **more: Any) -> bytes:
        named = parameters or {}
        if query not in self._probes:
            return self.behind.raw_query(query, parameters=parameters, **more)
        probe = self._probes[query]
        without = self._known.setdefault((probe, named["project"]), set())
        within = self._known.setdefault((f"{probe}: found", named["project"]), set())
        about = set(named["session_ids"] if "session_ids" in named else [named["session_id"]])
        if about <= without:
            return b""
        if about & within:
            return _FOUND
        found = self.behind.raw_query(query, parameters=parameters, **more)
        if not found:
            without |= about
        elif len(about) == 1:
            within |= about
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)

    def at_once(self, *works: Callable[[Client], Any]) -> list[Any]:
        def remembers(work: Callable[[Client], Any]) -> Callable[[Client], Any]:
            return lambda client: work(remembering(client, self._known))

        return beside.at_once(self.behind, *map(remembers, works))


def remembering(client: Client, known: Known) -> Client:
    """The client, which does not ask again what `known` has, where it also puts what it asks: for a page's reads."""
    return cast("Client", _Remembering(client, known))


def bare(client: Client) -> Client:
    """The client behind those of `remembering`, which are of one page."""
    asked: Any = client
    while isinstance(asked, _Remembering):
        asked = asked.behind
    return cast("Client", asked)


def at_once(client: Client, *works: Callable[[Client], Any]) -> list[Any]:
    """As `clickhouse.at_once`; what one of `remembering` asks beside itself it remembers too."""
    asked: Any = client
    return asked.at_once(*works) if isinstance(asked, _Remembering) else beside.at_once(client, *works)


def select(client: Client, name: str, parameters: Mapping[str, Any], **texts: str) -> list[Row]:
    """The rows of `sql/NAME.sql`, which is about the session `session_id`, or about `session_ids`, of `project`.

    `texts` take the place of its words in capitals, as `rows.composed` does it.
    """
    return run(client, by_key(client, composed(name, **texts), parameters), parameters)


def by_key(client: Client, sql: str, parameters: Mapping[str, Any]) -> str:
    """A statement with subqueries in place of the views that it reads, which have rows of these sessions only.

    `sessions` is then without `Input`, `Output` and `LongestGap`, which are costly for a session of many turns, and in
    `session_ends`.
    """
    tables = _tables(_ONE if "session_id" in parameters else _SOME)
    if is_frozen(client):
        return _put(tables, tables.keys() - {"session_ends"}, sql)
    is_in_doubt = _views(sql) != {_SCORES} and bool(run(client, tables["in_doubt"], parameters))
    return _by_key(client, sql, parameters, tables, is_in_doubt)


def turns_behind(client: Client, parameters: Mapping[str, Any]) -> list[Row]:
    """The next `limit` turns of a session behind a place (`time`, `trace_id`), in the columns of `session_traces`.

    Of a session of very many turns it is asked first which these are, so that nothing else is worked out of the others.
    """
    if is_frozen(client):
        return select(client, "turns_of_many", parameters)
    client = remembering(client, {})
    (size,) = run(client, _tables(_ONE)["minutes"], parameters)
    if size["Minutes"] <= _MANY_MINUTES:
        return select(client, "list_traces", parameters)
    # Two statements: as one, the plan of the first is made within that of the second, and takes longer than both.
    ahead = [row["TraceId"] for row in select(client, "turns_ahead", parameters)]
    rows = select(client, "turns_of", {**parameters, "trace_ids": ahead}) if ahead else []
    return sorted(rows, key=lambda row: (row["StartTime"], row["TraceId"]))


def session_rows(client: Client, project: str, session_ids: Sequence[str]) -> list[Row]:
    """Of these sessions the rows of the view `sessions`."""
    found: list[Row] = []
    for ids in portions(session_ids):
        named = {"project": project, "session_ids": ids}
        found += with_ends(client, project, select(client, "session_rows", named))
    return found


@dataclass(frozen=True, slots=True)
class Kinds:
    """Of some sessions those that a correction is of, and those of very many turns."""

    in_doubt: frozenset[str]
    long: frozenset[str]


def kinds(client: Client, project: str, session_ids: Sequence[str]) -> Kinds:
    named = {"project": project, "session_ids": list(session_ids), "many": _MANY_MINUTES}
    rows = run(client, _tables(_SOME)["kinds"], named)
    return Kinds(*(frozenset(row["SessionId"] for row in rows if row[is_one]) for is_one in ("IsInDoubt", "IsLong")))


def select_whole(
    client: Client, name: str, parameters: Mapping[str, Any], known: Kinds | None = None, **texts: str
) -> list[Row]:
    """The rows of `sql/NAME.sql`, which reads the view `sessions` for `session_ids`, with all that is asked of it.

    A session in doubt makes the others no dearer. Rows are in no order, and a LIMIT is for each kind of session. Those
    in doubt and those of very many turns are remembered (`remembered.py`), whether the CONDITION holds of them or not.
    """
    ids, project = list(parameters["session_ids"]), parameters["project"]
    of = known or kinds(client, project, ids)
    memory, dear = remembered_by(client), [id_ for id_ in ids if id_ in of.in_doubt or id_ in of.long]
    if memory is None or not dear:
        return [row for rows in at_once(client, *_works(name, parameters, ids, of, texts)) for row in rows]
    versions = _versions(client, project, dear)
    kept = memory.texts(project, versions)
    new = [id_ for id_ in dear if id_ not in kept]
    works = _works(name, parameters, [id_ for id_ in ids if id_ not in dear], of, texts)
    each = {**parameters, "limit": len(new)}
    read = at_once(client, *works, *_works(name, each, new, of, {**texts, _CONDITION: _ALWAYS}))
    found, of_new = ([row for rows in some for row in rows] for some in (read[: len(works)], read[len(works) :]))
    memory.keep(project, versions, of_new)
    if texts.get(_CONDITION, _ALWAYS) == _ALWAYS:
        return _chosen_of(client, name, parameters, kept, texts) + found + of_new
    kept |= memory.texts(project, {id_: versions[id_] for id_ in new if id_ in versions})
    left = [row["SessionId"] for row in of_new if row["SessionId"] not in kept]
    for work in _works(name, parameters, left, of, texts):
        found += work(client)
    return _chosen_of(client, name, parameters, kept, texts) + found


def _works(
    name: str, parameters: Mapping[str, Any], session_ids: Sequence[str], of: Kinds, texts: Mapping[str, str]
) -> list[Callable[[Client], list[Row]]]:
    """What reads the rows of `sql/NAME.sql` for these sessions, a statement for each kind of them."""
    parts: dict[tuple[bool, bool], list[str]] = {}
    for id_ in session_ids:
        parts.setdefault((id_ in of.in_doubt, id_ in of.long), []).append(id_)
    tables, sql = _tables(_SOME), composed(name, **texts)

    def of_kind(is_in_doubt: bool, is_long: bool, some: list[str], client: Client) -> list[Row]:
        shown = {**tables, **({} if is_long else {"sessions": tables["sessions.whole"]})}
        named = {**parameters, "session_ids": some}
        rows = run(client, _by_key(client, sql, named, shown, is_in_doubt), named)
        # Of very many turns it would be worked out of turns that are read whole.
        return with_ends(client, parameters["project"], rows) if is_long else rows

    return [partial(of_kind, *kind, some) for kind, some in parts.items()]


def _versions(client: Client, project: str, session_ids: Sequence[str]) -> dict[str, str]:
    """What changes with all that is stored or deleted of a session; of one without turns there is none."""
    rows = run(client, _tables(_SOME)["versions"], {"project": project, "session_ids": list(session_ids)})
    return {row["SessionId"]: row["Version"] for row in rows}


def _chosen_of(
    client: Client, name: str, parameters: Mapping[str, Any], kept: Mapping[str, str], texts: Mapping[str, str]
) -> list[Row]:
    """The rows that `sql/NAME.sql` makes of sessions whose rows are known, by their ids."""
    if not kept:
        return []
    tables = _tables(_SOME)
    named = {**parameters, "session_ids": [*kept], "rows": "\n".join(kept.values())}
    sql = composed(name, **{**texts, "COLUMNS": "SessionId"})
    sql = _by_key(client, sql, named, {**tables, "sessions": tables["sessions.remembered"]}, is_in_doubt=True)
    return [{**orjson.loads(kept[row["SessionId"]]), **row} for row in run(client, sql, named)]


def with_ends(client: Client, project: str, rows: Sequence[Row]) -> list[Row]:
    """Rows of sessions with what `by_key` leaves out of them."""
    ends: dict[str, Row] = {}
    for ids in portions(row["SessionId"] for row in rows):
        named = {"project": project, "session_ids": ids}
        ends |= {row["SessionId"]: row for row in select(client, "session_ends", named)}
    return [{**row, **ends[row["SessionId"]]} for row in rows if row["SessionId"] in ends]


@cache
def _tables(keys: str) -> Mapping[str, str]:
    texts = sections(statement(f"{__package__}.sql", "keyed"))
    return {"KEYS": keys, **{name: _COMMENT.sub("", text).replace("KEYS", keys) for name, text in texts.items()}}


def _by_key(
    client: Client, sql: str, parameters: Mapping[str, Any], tables: Mapping[str, str], is_in_doubt: bool
) -> str:
    left = set()
    if _SCORES in _views(sql) and run(client, tables["has_scores_inside"], parameters):
        left.add(_SCORES)
    if is_in_doubt:
        left.add("session_spans")
        tables = {**tables, "_turn_minutes": tables["_turn_minutes.in_doubt"]}
    return _put(tables, left, sql)


def _views(sql: str) -> set[str]:
    return {found[1] for found in _FROM.finditer(sql)}


def _put(tables: Mapping[str, str], left: Collection[str], sql: str) -> str:
    """The statement with the tables in it, but for the views that are left as they are.

    A condition on the keys behind a view goes, as what stands in the view's place has no other rows, and a statement of
    nothing else than a view is what stands there: to plan either takes a tenth of such a statement.
    """

    def placed(found: re.Match[str]) -> str:
        view, behind, keys, more = found.groups()
        if view in left:
            return found[0]
        text = f"FROM {_put(tables, left, tables[view])}"
        if behind and keys != tables["KEYS"]:
            return text + behind
        return f"{text}\nWHERE" if more else text

    alone = _ALONE.fullmatch(sql)
    if alone and alone[1] not in left:
        return _put(tables, left, tables[alone[1]].strip()[1:-1])
    return _FROM.sub(placed, sql)
