SELECT table, sum(bytes_on_disk) / (
        SELECT if(startsWith(any(p.table), '_collector'), (SELECT count() FROM _collector), (SELECT count() FROM otel_traces)))
FROM system.parts AS p
WHERE active AND database = currentDatabase() AND table IN {tables:Array(String)}
GROUP BY table
ORDER BY table
