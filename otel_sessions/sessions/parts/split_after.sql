(
    SELECT argMax(if(mapContains(SplitAfterOf, {project:String}), SplitAfterOf[{project:String}], SplitAfter), UpdatedAt)
    FROM _session_life
)
