"""Configuration of the exporter `clickhouse`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from otel_sessions.component import Settings
from otel_sessions.sending import SendingSettings
from otel_sessions.storage.client import Endpoint
from otel_sessions.types import Duration


def _checked(text: str) -> str:
    Endpoint.parse(text)
    return text


class AttributionConfig(Settings):
    """How soon after an insert a late claim moves the spans of its trace."""

    interval: Duration = Field(default=1.0, gt=0, le=5.0)


class ClickHouseConfig(SendingSettings):
    """`endpoint` is `chdb://DIRECTORY` or `http(s)://[user:password@]host[:port][/database]`."""

    endpoint: Annotated[str, AfterValidator(_checked)] = "chdb://./otel-sessions-data"
    create_schema: bool = True
    attribution: AttributionConfig = AttributionConfig()

    def log_directory(self) -> Path:
        """Beside the embedded data, so that each data directory has a log of its own."""
        data = Endpoint.parse(self.endpoint).path
        if data is None or self.sending_queue.directory is not None:
            return super().log_directory()
        return data.with_name(f"{data.name}-wal")
