"""Configuration of the exporter `debug`; keys as in the Collector's."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from otel_sessions.component import Settings


class DebugConfig(Settings):
    """How much is written of a batch: a line with counts, a line a span, or all that there is.

    Of each second the first `sampling_initial` batches are written, then every `sampling_thereafter`-th; with 0, none.
    """

    verbosity: Literal["basic", "normal", "detailed"] = "basic"
    sampling_initial: int = Field(default=2, ge=0)
    sampling_thereafter: int = Field(default=1, ge=0)
