"""Reads sessions, traces, scores and comments with the Langfuse SDK for Python, version 3."""

import json
import sys

from langfuse import get_client

session_id, trace_id = sys.argv[1:]
api = get_client().api
session = api.sessions.get(session_id)
traces, page = [], 1
while True:
    answer = api.trace.list(session_id=session_id, page=page, limit=2)
    traces += [[each.name, each.user_id, len(each.observations)] for each in answer.data]
    page += 1
    if page > answer.meta.total_pages:
        break
scores = api.score_v_2.get(session_id=session_id)
comments = api.comments.get(object_type="SESSION", object_id=session_id)
found = {
    "listed": session_id in [each.id for each in api.sessions.list(limit=50).data],
    "session": [session.id, session.environment, len(session.traces)],
    "traces": traces,
    "total": answer.meta.total_items,
    "scores": sorted([each.name, each.data_type, each.value, bool(each.trace_id)] for each in scores.data),
    "comments": [[each.object_type.value, each.object_id, each.content] for each in comments.data],
}
print(json.dumps(found))
