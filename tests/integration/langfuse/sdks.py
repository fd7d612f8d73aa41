"""What Langfuse's own SDKs are run with: a service, and environment variables that point to it."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests import installing
from tests.integration.running import Directory, Running, config

SAMPLES = Path(__file__).parent


def run(running: Running, command: list[str], sample: Path, *arguments: str) -> str:
    """What a sample prints, whose SDK knows the service by its environment variables alone."""
    url = f"http://{running.endpoints['otlp/http']}"
    keys = {"LANGFUSE_PUBLIC_KEY": "pk-lf-test", "LANGFUSE_SECRET_KEY": "sk-lf-test"}
    hosts = {"LANGFUSE_HOST": url, "LANGFUSE_BASE_URL": url}
    return installing.run([*command, str(sample), *arguments], **keys, **hosts, LANGFUSE_TRACING_ENVIRONMENT="test")


def serving(directory: Directory) -> Running:
    """A service with OTLP over HTTP and gRPC, whose spans are stored when they are answered."""
    parts = yaml.safe_load(config(directory.data()))
    parts["receivers"]["otlp"]["protocols"]["http"] = {"endpoint": "127.0.0.1:0"}
    parts["extensions"]["web"] = {"endpoint": "127.0.0.1:0"}
    parts["service"]["extensions"].append("web")
    return directory.start(yaml.safe_dump(parts))
