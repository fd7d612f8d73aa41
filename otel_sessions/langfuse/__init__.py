# SPDX-License-Identifier: Apache-2.0
"""Langfuse's public API, as far as its SDKs need it to send, on the HTTP ports of receivers: `Host.mounts` has it."""

from otel_sessions.langfuse.api import mount

__all__ = ["mount"]
