(
    SELECT if(mapContains(argMax(SplitAfterOf, UpdatedAt) AS of, {project:String}), of[{project:String}], argMax(SplitAfter, UpdatedAt))
    FROM _session_life
)
