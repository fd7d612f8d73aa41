# SPDX-License-Identifier: Apache-2.0
"""`web`: the REST interface over the sessions, and the pages that read it.

`api` has the operations, one table of them, from which both the routes and the OpenAPI document are made; `store` runs
what takes ClickHouse; `problems` says what went wrong.
"""

from otel_sessions.extensions.web.config import Config
from otel_sessions.extensions.web.server import Web, create, factory

__all__ = ["Config", "Web", "create", "factory"]
