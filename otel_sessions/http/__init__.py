# SPDX-License-Identifier: Apache-2.0
"""All that listens stands on this: HTTP server, bounded protocol, request bodies, TLS, credentials, metrics.

An extension that answers over HTTP is made of these parts, and has every bound that the others have:

    class Config(ServerSettings):
        endpoint: HostPort = HostPort("127.0.0.1", 8080)

    def create(id_: ComponentId, config: Config, host: Host) -> HttpServer:
        path = f"extensions.{id_}"
        bodies = Bodies(config.max_request_body_size, together=4 * config.max_request_body_size)
        access = access_to(host, config.auth, path)
        app = Authenticated(routes(bodies), access, refuse)
        return HttpServer(app, config.endpoint, host, name=id_.type, path=f"{path}.endpoint", tls=config.tls)

A handler has its project in `request.state.project` and its body by `await bodies.take(request, work)`, where `work`
runs in a thread: `Body.json`, or a function of one's own that calls it. `refuse` is the extension's answer to who is
not let in. What rides on the port of a receiver instead is a `Mount`, as `otel_sessions.langfuse` is.
"""
