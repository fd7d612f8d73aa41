-- BACKUP takes no parameters of a query: the client puts the text in. Embedded data are in the database `otel`.
BACKUP DATABASE otel TO File(%(directory)s)
