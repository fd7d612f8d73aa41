"""All that listens: HTTP server, bounded protocol, request bodies, TLS, credentials, the metrics endpoint."""
