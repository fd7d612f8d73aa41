    -- The sessions of which any span says, or said before a correction, that they go on from this one, some of them twice.
    SELECT SessionId FROM _session_turns
    WHERE Project = {project:String} AND substring(Metadata['session.previous_id'], 9) = {session_id:String}
