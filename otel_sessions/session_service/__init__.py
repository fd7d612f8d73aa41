# SPDX-License-Identifier: Apache-2.0
"""`otel_sessions.v1.SessionService` on the gRPC ports of receivers: `Host.grpc_mounts` has it."""

from __future__ import annotations

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.http.mounts import GrpcListener, GrpcMounted


def mount(endpoint: Endpoint | None, listener: GrpcListener) -> GrpcMounted | None:
    """See `service.mount`, which is loaded where gRPC is listened to."""
    from otel_sessions.session_service import service  # noqa: PLC0415

    return service.mount(endpoint, listener)
