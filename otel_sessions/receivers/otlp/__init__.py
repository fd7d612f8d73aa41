# SPDX-License-Identifier: Apache-2.0
"""The receiver `otlp`: OpenTelemetry's own protocol, over gRPC and HTTP."""

from otel_sessions.receivers.otlp.receiver import factory

__all__ = ["factory"]
