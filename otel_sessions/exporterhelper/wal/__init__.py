# SPDX-License-Identifier: Apache-2.0
"""The write-ahead log: requests on disk before they are answered."""

from otel_sessions.exporterhelper.wal.log import Log
from otel_sessions.exporterhelper.wal.segment import Segment

__all__ = ["Log", "Segment"]
