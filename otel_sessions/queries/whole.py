# SPDX-License-Identifier: Apache-2.0
"""Whole rows of some sessions, as the view `sessions` has them, for a page of a list.

Rows that were read before are remembered as long as nothing was stored or deleted of their sessions (`remembered.py`),
so that a list that is looked at again and again reads what has changed. The others are read by kind: a session in doubt
makes the rest no dearer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

import orjson

from otel_sessions.queries import keyed
from otel_sessions.queries.remembered import Remembered, remembered_by
from otel_sessions.queries.rows import Row, composed, run
from otel_sessions.queries.stored_parts import TURNS, Parts, parts_of

if TYPE_CHECKING:
    from otel_sessions.clickhouse.surface import Client

_CONDITION: Final = "CONDITION"
_WORD: Final = re.compile(r"\w+")
_COLUMN: Final = re.compile(r"(\w+) (\w+(?:\([^)]*\))?)")
ALWAYS: Final = "1"
"""The condition that holds of every session."""
TABLES: Final = (TURNS, "_corrected_turns")
"""What rows of sessions are made of."""


@dataclass(frozen=True, slots=True)
class Known:
    """Of some sessions the rows that are remembered, by id; of the others those that a correction is of; of
    all those of very many turns. `versions` change with all that is stored or deleted of a session.
    """

    kept: Mapping[str, Row]
    versions: Mapping[str, str]
    in_doubt: frozenset[str]
    long: frozenset[str]


def known_of(client: Client, project: str, session_ids: Sequence[str], parts: Parts | None = None) -> Known:
    """What is known of these sessions; `parts` are those of `TABLES`, and of others, as the request has found them,
    else they are looked for.
    """
    named: dict[str, Any] = {"project": project, "session_ids": list(session_ids), "many": keyed.MANY_MINUTES}
    texts, memory = keyed.tables(keyed.SOME), remembered_by(keyed.bare(client))
    versions, kept = dict[str, str](), dict[str, Row]()
    if memory is not None:
        parts = parts_of(client, TABLES) if parts is None else parts
        versions = _versions(client, memory, named, parts)
        kept = {id_: orjson.loads(text) for id_, text in memory.texts(project, versions).items()}
    named["session_ids"] = [id_ for id_ in session_ids if id_ not in kept]
    rows = run(client, texts["kinds"], named) if named["session_ids"] else []
    in_doubt, long = ({row["SessionId"] for row in rows if row[is_one]} for is_one in ("IsInDoubt", "IsLong"))
    long |= {id_ for id_, row in kept.items() if row["TraceCount"] > keyed.MANY_MINUTES}
    return Known(kept, versions, frozenset(in_doubt), frozenset(long))


def _versions(client: Client, memory: Remembered, named: Mapping[str, Any], parts: Parts | None) -> dict[str, str]:
    """Of these sessions the versions as they are now, or were since the request looked at the parts."""
    project, session_ids = named["project"], named["session_ids"]
    seen = frozenset(path for table in TABLES for path in parts[table]) if parts and parts[TURNS] else None
    versions = memory.versions(seen, project, session_ids) if seen else {}
    left = [id_ for id_ in session_ids if id_ not in versions]
    if not left:
        return versions
    found = run(client, keyed.tables(keyed.SOME)["versions"], {**named, "session_ids": left})
    read = {row["SessionId"]: row["Version"] for row in found}
    if seen:
        memory.keep_versions(seen, project, read)
    return versions | read


def select(
    client: Client,
    name: str,
    parameters: Mapping[str, Any],
    known: Known | None = None,
    *,
    long_apart: bool = True,
    **texts: str,
) -> list[Row]:
    """The rows of `sql/NAME.sql`, which reads the view `sessions` for `session_ids`, with all that is asked of it.

    Rows are in no order, and a LIMIT is for each kind of session. Where no CONDITION is asked, those that are
    remembered have the columns of the view alone. New ones are remembered whether the CONDITION holds of them or not.
    Remembered ones of very many turns are asked a CONDITION beside the others where they are `long_apart`.
    """
    ids, project = list(parameters["session_ids"]), parameters["project"]
    known = known or known_of(client, project, ids)
    kept = {id_: known.kept[id_] for id_ in ids if id_ in known.kept}
    new = [id_ for id_ in ids if id_ not in kept]
    memory = remembered_by(keyed.bare(client))
    if memory is None:
        return _read(client, name, known, new, parameters=parameters, texts=texts)
    each, unasked = {**parameters, "limit": len(new)}, {**texts, _CONDITION: ALWAYS}
    read = _read(client, name, known, new, parameters=each, texts=unasked)
    memory.keep(project, known.versions, read)
    if texts.get(_CONDITION, ALWAYS) == ALWAYS:
        return [*kept.values(), *read]
    remembered = memory.texts(project, {id_: known.versions[id_] for id_ in new if id_ in known.versions})
    kept |= {id_: orjson.loads(text) for id_, text in remembered.items()}
    left = [row["SessionId"] for row in read if row["SessionId"] not in kept]
    # One of very many turns takes as long as all others together.
    apart = known.long if long_apart else frozenset()
    kinds = [{id_: row for id_, row in kept.items() if (id_ in apart) == is_long} for is_long in (False, True)]
    works = [partial(_chosen_of, name=name, parameters=parameters, kept=kind, texts=texts) for kind in kinds if kind]
    chosen = [row for rows in keyed.at_once(client, *works) for row in rows] if works else []
    return chosen + _read(client, name, known, left, parameters=parameters, texts=texts)


def _read(
    client: Client,
    name: str,
    known: Known,
    session_ids: Sequence[str],
    *,
    parameters: Mapping[str, Any],
    texts: Mapping[str, str],
) -> list[Row]:
    """The rows of `sql/NAME.sql` of these sessions, by a statement for each kind of them."""
    kinds: dict[tuple[bool, bool], list[str]] = {}
    for id_ in session_ids:
        kinds.setdefault((id_ in known.in_doubt, id_ in known.long), []).append(id_)
    tables, sql = keyed.tables(keyed.SOME), composed(name, **texts)

    def of_kind(is_in_doubt: bool, is_long: bool, some: list[str], client: Client) -> list[Row]:
        shown = {**tables, **({} if is_long else {"sessions": tables["sessions.whole"]})}
        named = {**parameters, "session_ids": some}
        rows = run(client, *keyed.placed(client, sql, named, shown, is_in_doubt))
        # Of very many turns it would be worked out of turns that are read whole.
        return keyed.with_ends(client, parameters["project"], rows) if is_long else rows

    works: list[Callable[[Client], list[Row]]] = [partial(of_kind, *kind, some) for kind, some in kinds.items()]
    return [row for rows in keyed.at_once(client, *works) for row in rows] if works else []


def _chosen_of(
    client: Client, name: str, parameters: Mapping[str, Any], kept: Mapping[str, Row], texts: Mapping[str, str]
) -> list[Row]:
    """The rows that `sql/NAME.sql` makes of sessions whose rows are known, by their ids."""
    sql, tables = composed(name, **{**texts, "COLUMNS": "SessionId"}), keyed.tables(keyed.SOME)
    asked = {*_WORD.findall(sql)}
    columns = {column: type_ for column, type_ in _columns().items() if column in asked}
    lines = [orjson.dumps({column: row[column] for column in columns}).decode() for row in kept.values()]
    remembered = tables["sessions.remembered"].replace("COLUMNS", ", ".join(map(" ".join, columns.items())))
    named = {**parameters, "session_ids": [*kept], "rows": "\n".join(lines)}
    placed = keyed.placed(client, sql, named, {**tables, "sessions": remembered}, is_in_doubt=True)
    return [{**kept[row["SessionId"]], **row} for row in run(client, *placed)]


@cache
def _columns() -> Mapping[str, str]:
    """The columns of the view `sessions`, and their types."""
    return dict(_COLUMN.findall(keyed.tables(keyed.SOME)["sessions.columns"]))
