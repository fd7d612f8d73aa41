# SPDX-License-Identifier: Apache-2.0
"""Reads of one session, or of some, at a part of what the views cost.

The views put the sums of every trace and the corrections together, and most of what they take for one session is their
plan. Here the same statements read the tables by the keys of the sessions. Of sessions that no correction is of, the
sums are the figures in force and the stored spans are theirs, so the corrections are left out. Of one session it is
asked which corrections are in force, and they are bound to the statement, but for those of other turns than it is
about. Of several, or of very many corrections, the tables are put together as the views do it, within these keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from otel_sessions.clickhouse import at_once as beside
from otel_sessions.clickhouse.sql import statement
from otel_sessions.clickhouse.surface import Front
from otel_sessions.queries.frozen import is_frozen
from otel_sessions.queries.rows import Row, composed, portions, run, sections
from otel_sessions.queries.rows import each as each_of

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

ONE: Final = "= {session_id:String}"
SOME: Final = "IN {session_ids:Array(String)}"
_COMMENT: Final = re.compile(r"^ *--.*\n", re.MULTILINE)
_VIEWS: Final = ("sessions", "session_ends", "session_traces", "session_timeline", "session_parts", "session_spans")
_KEYS: Final = r"Project = {project:String} AND (?:m\.)?SessionId "
_BEHIND: Final = rf"\s+WHERE (?:m\.)?{_KEYS}({re.escape(ONE)}|{re.escape(SOME)})(\s+AND\b)?"
_FROM: Final = re.compile(
    rf"\bFROM (_turn_minutes|session_scores|{'|'.join(_VIEWS)})\b(?:(?<=_turn_minutes) AS m\b)?({_BEHIND})?"
)
_ALONE: Final = re.compile(rf"\ASELECT [*] FROM ({'|'.join(_VIEWS)})\s*")
_SCORES: Final = "session_scores"
_PROBES: Final = ("in_doubt", "has_scores_inside")
OF_TURNS: Final = "TraceId IN {trace_ids:Array(String)}"
"""In a statement about some turns of a session, whose corrections are all that matter to it."""
_MANY_CORRECTED: Final = 500
"""Corrected turns of a session that are not bound to a statement any more."""
Known = dict[tuple[str, str], set[str]]
"""By probe and project the sessions of which it found nothing, and by `PROBE: found` those of which it found some."""
_FOUND: Final = b'{"1":1}\n'
MANY_MINUTES: Final = 1_000


class _Remembering(Front):
    """Asks once what `by_key` asks before each statement: where the statements are all of one page, that is enough."""

    def __init__(self, client: Client, known: Known, corrected: dict[tuple[str, str], bytes]) -> None:
        super().__init__(client)
        self._known = known
        self._corrected = corrected
        self._probes = {tables(keys)[name]: name for keys in (ONE, SOME) for name in _PROBES}

    def raw_query(
        self, query: str, parameters: Any = None, settings: dict[str, Any] | None = None, fmt: str | None = None
    ) -> bytes:
        named = parameters or {}
        if query == tables(ONE)["corrected"]:
            about_one = named["project"], named["session_id"]
            if about_one not in self._corrected:
                self._corrected[about_one] = super().raw_query(query, parameters, settings, fmt)
            return self._corrected[about_one]
        if query not in self._probes:
            return super().raw_query(query, parameters, settings, fmt)
        if query == tables(ONE)["in_doubt"] and (named["project"], named["session_id"]) in self._corrected:
            return _FOUND if self._corrected[named["project"], named["session_id"]] else b""
        probe = self._probes[query]
        without = self._known.setdefault((probe, named["project"]), set())
        within = self._known.setdefault((f"{probe}: found", named["project"]), set())
        about = set(named["session_ids"] if "session_ids" in named else [named["session_id"]])
        if about <= without:
            return b""
        if about & within:
            return _FOUND
        found = super().raw_query(query, parameters, settings, fmt)
        if not found:
            without |= about
        elif len(about) == 1:
            within |= about
        return found

    def at_once(self, *works: Callable[[Client], Any]) -> list[Any]:
        def remembers(work: Callable[[Client], Any]) -> Callable[[Client], Any]:
            return lambda client: work(_Remembering(client, self._known, self._corrected))

        return beside.at_once(self.behind, *map(remembers, works))


def remembering(client: Client, known: Known) -> Client:
    """The client, which does not ask again what `known` has, where it also puts what it asks: for a page's reads.

    Which corrections are in force it remembers itself: others may come into force while a page goes on.
    """
    return _Remembering(client, known, {})


def bare(client: Client) -> Client:
    """The client behind those of `remembering`, which are of one page."""
    while isinstance(client, _Remembering):
        client = client.behind
    return client


def at_once(client: Client, *works: Callable[[Client], Any]) -> list[Any]:
    """As `clickhouse.at_once`; what one of `remembering` asks beside itself it remembers too."""
    return client.at_once(*works) if isinstance(client, _Remembering) else beside.at_once(client, *works)


def select(client: Client, name: str, parameters: Mapping[str, Any], **texts: str) -> list[Row]:
    """The rows of `sql/NAME.sql`, which is about the session `session_id`, or about `session_ids`, of `project`.

    `texts` take the place of its words in capitals, as `rows.composed` does it.
    """
    return run(client, *by_key(client, composed(name, **texts), parameters))


def each(client: Client, name: str, parameters: Mapping[str, Any]) -> Iterator[Row]:
    """As `select`, with each row made when its turn comes."""
    return each_of(client, *by_key(client, composed(name), parameters))


def by_key(client: Client, sql: str, parameters: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """A statement with subqueries in place of the views that it reads, which have rows of these sessions only, and what
    is bound to it.

    `sessions` is then without `Input`, `Output` and `LongestGap`, which are costly for a session of many turns, and in
    `session_ends`.
    """
    texts = tables(ONE if "session_id" in parameters else SOME)
    if is_frozen(client):
        return _put(texts, texts.keys() - {"session_ends"}, sql), parameters
    is_in_doubt = _views(sql) != {_SCORES} and has_corrections(client, parameters)
    return placed(client, sql, parameters, texts, is_in_doubt)


def has_corrections(client: Client, parameters: Mapping[str, Any]) -> bool:
    """Whether a correction is of the session `session_id`, or of one of `session_ids`, in force or not."""
    return bool(run(client, tables(ONE if "session_id" in parameters else SOME)["in_doubt"], parameters))


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


def corrections_of(client: Client, parameters: Mapping[str, Any]) -> dict[str, int] | None:
    """The corrected turns of the session `session_id` with the numbers of the corrections in force; None where they are
    too many to be bound to a statement.
    """
    return _corrected(client, "", parameters, tables(ONE))


def placed(
    client: Client, sql: str, parameters: Mapping[str, Any], texts: Mapping[str, str], is_in_doubt: bool
) -> tuple[str, Mapping[str, Any]]:
    """The statement with these texts in place of the views that it reads, which must suit what is known of doubt, and
    what is bound to it.
    """
    left = set()
    if _SCORES in _views(sql) and run(client, texts["has_scores_inside"], parameters):
        left.add(_SCORES)
    corrected = _corrected(client, sql, parameters, texts) if is_in_doubt else {}
    if corrected is None:
        left.add("session_spans")
        texts = {**texts, "_turn_minutes": texts["_turn_minutes.in_doubt"]}
    elif corrected:
        texts = {**texts, **{view: texts[f"{view}.corrected"] for view in ("_turn_minutes", "session_spans")}}
        parameters = {**parameters, "corrected": [*corrected], "corrections": [*corrected.values()]}
    return _put(texts, left, sql), parameters


def _corrected(
    client: Client, sql: str, parameters: Mapping[str, Any], texts: Mapping[str, str]
) -> dict[str, int] | None:
    """The corrected turns that a statement may read, with the numbers of the corrections in force; None where they are
    too many, or not of one session.
    """
    if texts["KEYS"] != ONE:
        return None
    rows = run(client, texts["corrected"], {**parameters, "limit": _MANY_CORRECTED + 1})
    if len(rows) > _MANY_CORRECTED:
        return None
    about = set(parameters["trace_ids"]) if f"AND {OF_TURNS}" in sql else None
    return {row["TraceId"]: row["Correction"] for row in rows if about is None or row["TraceId"] in about}


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
