# SPDX-License-Identifier: Apache-2.0
"""The way from a request to stored spans."""

from otel_sessions.exporterhelper.queue import Outlet
from otel_sessions.pipeline.fanout import Fanout
from otel_sessions.pipeline.pipeline import Pipeline

__all__ = ["Fanout", "Outlet", "Pipeline"]
