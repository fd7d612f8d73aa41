-- Names that stand for the copy which a frozen link has; what reads a session by the views reads the copy then.
WITH
_turn_minutes AS
(
    SELECT * FROM _shared_turns WHERE Project = {shared_project:String} AND TokenHash = {shared_token_hash:String}
),
session_spans AS
(
    SELECT * EXCEPT (TokenHash, ExpiresAt)
    FROM _shared_spans
    WHERE Project = {shared_project:String} AND TokenHash = {shared_token_hash:String}
),
sessions AS
(
${../../sessions/parts/sessions_of_minutes}
),
session_traces AS
(
${../../sessions/parts/traces_of_minutes}
),
session_timeline AS
(
${../../sessions/parts/timeline_of_minutes}
),
session_parts AS
(
${../../sessions/parts/parts_of_minutes}
)
