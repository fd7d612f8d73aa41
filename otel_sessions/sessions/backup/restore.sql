RESTORE DATABASE otel FROM File(%(directory)s)
