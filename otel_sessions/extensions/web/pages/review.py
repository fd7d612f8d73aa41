# SPDX-License-Identifier: Apache-2.0
"""Going through sessions one by one, and judging them by the scores that are configured."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from otel_sessions.errors import QueryError
from otel_sessions.extensions.web.api import sessions
from otel_sessions.extensions.web.api.parameters import Listed
from otel_sessions.extensions.web.pages.format import quoted
from otel_sessions.extensions.web.pages.visit import Visit
from otel_sessions.queries import additions, score_configs
from otel_sessions.queries.rows import as_json

ASSIGNED = "assigned:"
"""What the label begins with that says whose a session is to review."""


def queue(visit: Visit, session: Mapping[str, Any]) -> dict[str, Any] | None:
    """Where a reviewer of the sessions of a query goes next: to the one before this one in time that has no score and
    is assigned to nobody else. None where nobody reviews.
    """
    asked, reader = visit.get("queue"), visit.get("as").strip()
    if not asked:
        return None
    mine = f" (label:{quoted(ASSIGNED + reader)} OR -label:{ASSIGNED}*)" if reader else ""
    query = f"({asked}) -has:score{mine} last_activity<{quoted(session['end_time'])}"
    # What ended before had begun before; unlike an end before a time, a beginning before it is told by the bounds that
    # lists are picked by, so that sessions that came later are not looked at.
    wanted = {"query": query, "to": session["end_time"], "limit": 1, "fields": "core"}
    try:
        found = visit.read(sessions.list_, Listed, wanted)["sessions"]
    except QueryError:
        return None
    kept = urlencode({"queue": asked, **({"as": reader} if reader else {})})
    return {
        "query": asked,
        "reader": reader,
        "is_mine": f"{ASSIGNED}{reader}" in session["labels"],
        "next": f"{visit.session_url(found[0]['session_id'])}?{kept}" if found else None,
        "all": f"{visit.base}/sessions?{urlencode({'query': asked})}",
    }


def configs(visit: Visit) -> list[Mapping[str, Any]]:
    """What scores are configured and in use."""
    found = score_configs.list_configs(visit.client, project=visit.call.project, limit=1000).rows
    return [one for one in found if not one["is_archived"]]


def judged(
    configured: Sequence[Mapping[str, Any]], scores: Sequence[Mapping[str, Any]], trace_id: str = "", span_id: str = ""
) -> list[dict[str, Any]]:
    """Each configured score with its `value` on a session, or on a span of it: None where nobody judged by it."""
    place = (trace_id or None, span_id or None)
    here = [score for score in scores if (score.get("trace_id") or None, score.get("span_id") or None) == place]
    values = {score["name"]: score["value"] for score in reversed(here)}
    return [{**one, "value": values.get(one["name"])} for one in configured]


def of_span(visit: Visit) -> dict[str, Any]:
    """The configured scores on the span that the address names."""
    trace_id, _, span_id = visit.get("span").partition(".")
    if not span_id:
        return {"judged_span": []}
    scores = [as_json(row) for row in additions.list_scores(visit.client, **visit.of_session, limit=1000).rows]
    return {"judged_span": judged(configs(visit), scores, trace_id, span_id)}


def score_id(session_id: str, name: str, trace_id: str, span_id: str) -> str:
    """The id of a score that a page gives: judging once more replaces what was judged before."""
    told = "\0".join((session_id, name, trace_id, span_id))
    return f"page-{hashlib.sha256(told.encode()).hexdigest()[:32]}"
