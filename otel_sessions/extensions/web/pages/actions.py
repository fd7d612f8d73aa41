# SPDX-License-Identifier: Apache-2.0
"""What forms of the pages do: the operations of REST, for people; and a form that was refused, shown again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, cast, get_args

from otel_sessions.errors import InvalidData
from otel_sessions.extensions.web.api import additions, deletions, shares
from otel_sessions.extensions.web.pages import review
from otel_sessions.extensions.web.pages.environment import one_line
from otel_sessions.extensions.web.pages.visit import Done, Shown, Visit
from otel_sessions.queries import share_hiding

MENDABLE: Final = (400, 409, 413, 422)
"""The answers to a form that may be taken once it says something else."""
_TYPED: Final[Mapping[str, str]] = {
    "label": "Label", "name": "Name", "data_type": "Type", "value": "Value", "comment": "Comment", "text": "Comment",
}  # fmt: skip
_FIXED: Final = ("name", "data_type")
"""What a form that judges in place does not ask for."""
_LIFETIMES: Final = {"1d": 1, "7d": 7, "30d": 30, "never": None}


def again(path: str, form: Mapping[str, str]) -> dict[str, Any] | None:
    """The form of a path: what was `typed`, as (name, title, value), and what else is `kept`; None if nothing was."""
    asked = [name for name in _TYPED if name in form and not (form.get("action") == "judge" and name in _FIXED)]
    if not asked or form.get("action") in ("delete", "remove"):
        return None
    return {
        "path": path,
        "typed": [(name, _TYPED[name], form[name]) for name in asked],
        "kept": [(name, value) for name, value in form.items() if name not in asked],
    }


def star(visit: Visit) -> str:
    """Stars a session, or takes the star away."""
    visit.read(additions.star if visit.form.get("on") == "1" else additions.unstar)
    return _back(visit)


def label(visit: Visit) -> str:
    """Adds a label, or removes it. Raises `InvalidData` for an empty one."""
    name = visit.form.get("label", "").strip()
    if not name:
        raise InvalidData("write the label")
    run = additions.remove_label if visit.form.get("action") == "remove" else additions.add_label
    visit.read(run, ids={**visit.call.ids, "label": name})
    return _back(visit)


def score(visit: Visit) -> str | Done:
    """Adds a score, or deletes one. One given in place has an id of its name and place, so the next replaces it."""
    form = visit.form
    if form.get("action") == "delete":
        visit.read(additions.delete_score, ids={**visit.call.ids, "score_id": form.get("score_id", "")})
        return _back(visit)
    type_, value = form.get("data_type", "NUMERIC"), cast("Any", form.get("value", ""))
    if type_ == "NUMERIC":
        try:
            value = float(value)
        except ValueError:
            raise InvalidData("the value of this score is a number") from None
    elif type_ == "BOOLEAN":
        value = value in ("1", "true", "yes")
    body = additions.Score.model_validate(
        {
            "name": form.get("name", "").strip(),
            "data_type": type_,
            "value": value,
            "comment": form.get("comment") or None,
            "trace_id": form.get("trace_id") or None,
            "span_id": form.get("span_id") or None,
        }
    )
    if form.get("action") == "judge":
        score_id = review.score_id(visit.session_id, body.name, body.trace_id or "", body.span_id or "")
        visit.read(additions.put_score, ids={**visit.call.ids, "score_id": score_id}, body=body)
        return _back(visit)
    visit.read(additions.add_score, body=body)
    return Done(_notes(visit), f"The score {one_line(body.name, 80)} is added.")


def comment(visit: Visit) -> str:
    """Adds a comment, or deletes one."""
    form = visit.form
    if form.get("action") == "delete":
        visit.read(additions.delete_comment, ids={**visit.call.ids, "comment_id": form.get("comment_id", "")})
        return _back(visit)
    body = additions.Comment.model_validate(
        {
            "text": form.get("text", "").strip(),
            "trace_id": form.get("trace_id") or None,
            "span_id": form.get("span_id") or None,
        }
    )
    visit.read(additions.comment, body=body)
    return _back(visit) if body.trace_id else _notes(visit)


def share(visit: Visit) -> str | Shown:
    """Publishes a session, or revokes its links. The new link is shown this once: only a hash of it is kept."""
    if visit.form.get("action") == "revoke":
        visit.read(shares.unpublish)
        return _back(visit)
    days = _LIFETIMES.get(visit.form.get("expires", "7d"), 7)
    expires = visit.now + timedelta(days=days) if days else None
    body = shares.Share.model_validate(
        {
            "expires_at": expires.isoformat() if expires else None,
            "mode": visit.form.get("mode", "live"),
            "hide": [part for part in get_args(share_hiding.Part) if visit.form.get(f"hide_{part}")],
            "hide_roles": [role for role in get_args(share_hiding.Role) if visit.form.get(f"hide_role_{role}")],
        }
    )
    made = visit.read(shares.publish, body=body)
    return Shown("share_link.html", {"section": "/sessions", "made": made, "url": visit.session_url(visit.session_id)})


def delete(visit: Visit) -> Done:
    """Deletes a session everywhere, and goes back to the list."""
    visit.read(deletions.one)
    named = one_line(visit.session_id, 80)
    return Done(
        _back(visit, f"{visit.base}/sessions"), f"The session {named} is deleted, with its scores, comments and links."
    )


def views(visit: Visit) -> str:
    """Saves a view of the list, or deletes one."""
    name = visit.form.get("name", "").strip()
    if visit.form.get("action") == "delete":
        visit.read(additions.delete_view, ids={"name": name})
    else:
        given = {key: visit.form.get(key) or None for key in ("sort", "order")}
        columns = [column for column in visit.form.get("columns", "").split(",") if column]
        body = additions.View.model_validate(
            {"query": visit.form.get("query", ""), "columns": columns or None, **given}
        )
        visit.read(additions.put_view, ids={"name": name}, body=body)
    return _back(visit, f"{visit.base}/sessions")


def _back(visit: Visit, default: str = "") -> str:
    return visit.form.get("back") or default or visit.session_url(visit.session_id)


def _notes(visit: Visit) -> str:
    """The address of the session's scores and comments."""
    return f"{_back(visit).partition('#')[0]}#notes"
