SELECT DISTINCT toString(Project) AS Project
FROM otel_traces
WHERE Project != {project:String}
ORDER BY Project
LIMIT {limit:UInt32}
