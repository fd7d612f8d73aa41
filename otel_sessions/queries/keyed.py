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
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from otel_sessions.clickhouse import at_once as beside
from otel_sessions.clickhouse.sql import statement
from otel_sessions.queries.frozen import is_frozen
from otel_sessions.queries.rows import Row, composed, portions, run, sections

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_ONE: Final = "= {session_id:String}"
SOME: Final = "IN {session_ids:Array(String)}"
_COMMENT: Final = re.compile(r"^ *--.*\n", re.MULTILINE)
_VIEWS: Final = ("sessions", "session_ends", "session_traces", "session_timeline", "session_parts", "session_spans")
_KEYS: Final = r"Project = {project:String} AND (?:m\.)?SessionId "
_BEHIND: Final = rf"\s+WHERE (?:m\.)?{_KEYS}({re.escape(_ONE)}|{re.escape(SOME)})(\s+AND\b)?"
_FROM: Final = re.compile(
    rf"\bFROM (_turn_minutes|session_scores|{'|'.join(_VIEWS)})\b(?:(?<=_turn_minutes) AS m\b)?({_BEHIND})?"
)
_ALONE: Final = re.compile(rf"\ASELECT [*] FROM ({'|'.join(_VIEWS)})\s*")
_SCORES: Final = "session_scores"
_PROBES: Final = ("in_doubt", "has_scores_inside")
Known = dict[tuple[str, str], set[str]]
"""By probe and project the sessions of which it found nothing, and by `PROBE: found` those of which it found some."""
_FOUND: Final = b'{"1":1}\n'
MANY_MINUTES: Final = 1_000


class _Remembering:
    """Asks once what `by_key` asks before each statement: where the statements are all of one page, that is enough."""

    def __init__(self, client: Client, known: Known) -> None:
        self.behind = client
        self._known = known
        self._probes = {tables(keys)[name]: name for keys in (_ONE, SOME) for name in _PROBES}

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
    texts = tables(_ONE if "session_id" in parameters else SOME)
    if is_frozen(client):
        return _put(texts, texts.keys() - {"session_ends"}, sql)
    is_in_doubt = _views(sql) != {_SCORES} and bool(run(client, texts["in_doubt"], parameters))
    return placed(client, sql, parameters, texts, is_in_doubt)


def turns_behind(client: Client, parameters: Mapping[str, Any]) -> list[Row]:
    """The next `limit` turns of a session behind a place (`time`, `trace_id`), in the columns of `session_traces`.

    Of a session of very many turns it is asked first which these are, so that nothing else is worked out of the others.
    """
    if is_frozen(client):
        return select(client, "turns_of_many", parameters)
    client = remembering(client, {})
    (size,) = run(client, tables(_ONE)["minutes"], parameters)
    if size["Minutes"] <= MANY_MINUTES:
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


def with_ends(client: Client, project: str, rows: Sequence[Row]) -> list[Row]:
    """Rows of sessions with what `by_key` leaves out of them."""
    ends: dict[str, Row] = {}
    for ids in portions(row["SessionId"] for row in rows):
        named = {"project": project, "session_ids": ids}
        ends |= {row["SessionId"]: row for row in select(client, "session_ends", named)}
    return [{**row, **ends[row["SessionId"]]} for row in rows if row["SessionId"] in ends]


@cache
def tables(keys: str) -> Mapping[str, str]:
    """What stands in the place of views, and other texts, by name, with a condition on the ids of sessions in them."""
    texts = sections(statement(f"{__package__}.sql", "keyed"))
    return {"KEYS": keys, **{name: _COMMENT.sub("", text).replace("KEYS", keys) for name, text in texts.items()}}


def placed(client: Client, sql: str, parameters: Mapping[str, Any], texts: Mapping[str, str], is_in_doubt: bool) -> str:
    """The statement with these texts in place of the views that it reads, which must suit what is known of doubt."""
    left = set()
    if _SCORES in _views(sql) and run(client, texts["has_scores_inside"], parameters):
        left.add(_SCORES)
    if is_in_doubt:
        left.add("session_spans")
        texts = {**texts, "_turn_minutes": texts["_turn_minutes.in_doubt"]}
    return _put(texts, left, sql)


def _views(sql: str) -> set[str]:
    return {found[1] for found in _FROM.finditer(sql)}


def _put(texts: Mapping[str, str], left: Collection[str], sql: str) -> str:
    """The statement with the tables in it, but for the views that are left as they are.

    A condition on the keys behind a view goes, as what stands in the view's place has no other rows, and a statement of
    nothing else than a view is what stands there: to plan either takes a tenth of such a statement.
    """

    def put(found: re.Match[str]) -> str:
        view, behind, keys, more = found.groups()
        if view in left:
            return found[0]
        text = f"FROM {_put(texts, left, texts[view])}"
        if behind and keys != texts["KEYS"]:
            return text + behind
        return f"{text}\nWHERE" if more else text

    alone = _ALONE.fullmatch(sql)
    if alone and alone[1] not in left:
        return _put(texts, left, texts[alone[1]].strip()[1:-1])
    return _FROM.sub(put, sql)
