(
    SELECT toInt64(if(count() = 0, 1800000000000,
        argMax(if(mapContains(IdleAfterOf, {project:String}), IdleAfterOf[{project:String}], IdleAfter), UpdatedAt)))
    FROM _session_life
)
