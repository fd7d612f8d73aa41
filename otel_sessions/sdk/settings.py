"""What `configure` says about contents, for all of the process."""

from __future__ import annotations

from otel_sessions.sdk.content import Redact

_redact: list[Redact] = []


def redact() -> Redact | None:
    """The hook that sees every input and output before it is written."""
    return _redact[0] if _redact else None


def set_redact(hook: Redact | None) -> None:
    _redact[:] = [hook] if hook is not None else []
