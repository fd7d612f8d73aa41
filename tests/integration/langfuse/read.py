"""Reads with the Langfuse SDK for Python, version 4 and newer, what its users still can: scores and comments."""

import json
import sys

from langfuse import get_client

session_id, trace_id = sys.argv[1:]
api = get_client().api
scores, cursor = [], None
while True:
    page = api.scores.get_many(session_id=session_id, fields="details,subject", limit=2, cursor=cursor)
    scores += [[each.name, each.data_type, each.value, each.subject.kind] for each in page.data]
    cursor = page.meta.cursor
    if not cursor:
        break
comments = api.comments.get(object_type="SESSION", object_id=session_id)
found = {
    "scores": sorted(scores),
    "comments": [[each.object_type, each.object_id, each.content] for each in comments.data],
    "comment": api.comments.get_by_id(comments.data[0].id).content,
}
print(json.dumps(found))
