"""Exporter `debug`: spans into the service's own log."""

from __future__ import annotations

from otel_sessions.component import ComponentId, Factory, Host
from otel_sessions.exporters.debug.exporter import DebugConfig, DebugExporter

__all__ = ["DebugConfig", "DebugExporter", "factory"]


def _create(component_id: ComponentId, config: DebugConfig, host: Host) -> DebugExporter:
    return DebugExporter(config)


factory = Factory("debug", DebugConfig, _create, "Writes spans into the service's log.")
