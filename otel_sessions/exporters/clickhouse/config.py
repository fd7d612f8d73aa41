"""Configuration of the exporter `clickhouse`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from otel_sessions.component import Settings
from otel_sessions.storage.client import Endpoint
from otel_sessions.types import ByteSize, Duration


def _checked(text: str) -> str:
    Endpoint.parse(text)
    return text


class SendingQueue(Settings):
    """What waits for ClickHouse. With `memory`, a request is answered when its spans are stored."""

    storage: Literal["memory"] = "memory"
    max_bytes: ByteSize = Field(default=256 * 1024**2, gt=0)


class Retry(Settings):
    """Retries of an insert that may work later, by the names of the Collector's `retry_on_failure`."""

    initial_interval: Duration = Field(default=0.1, gt=0)
    max_interval: Duration = Field(default=2.0, gt=0)
    # Then the sender is told to come back; SDK exporters wait 10 s for an answer.
    max_elapsed_time: Duration = Field(default=8.0, gt=0)


class AttributionConfig(Settings):
    """How soon after an insert a late claim moves the spans of its trace."""

    interval: Duration = Field(default=1.0, gt=0, le=5.0)


class ClickHouseConfig(Settings):
    """`endpoint` is `chdb://DIRECTORY` or `http(s)://[user:password@]host[:port][/database]`."""

    endpoint: Annotated[str, AfterValidator(_checked)] = "chdb://./otel-sessions-data"
    create_schema: bool = True
    sending_queue: SendingQueue = SendingQueue()
    retry_on_failure: Retry = Retry()
    attribution: AttributionConfig = AttributionConfig()
