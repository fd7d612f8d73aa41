"""What was raised, on its span: as the SDK records it, of bounded size, and such that every exporter can encode it."""

from __future__ import annotations

import traceback
from typing import Final

from opentelemetry.trace import Span, Status, StatusCode

from otel_sessions.sdk import content

_MAX_DESCRIPTION: Final = 4096


def record(span: Span, error: BaseException) -> None:
    """Records what has a place in a span: exceptions, not the end of the program or of a task. May raise."""
    if not isinstance(error, Exception) or not span.is_recording():
        return
    kind, message = type(error), content.words(error)
    described = content.words(f"{kind.__name__}: {message}", _MAX_DESCRIPTION)
    span.set_status(Status(StatusCode.ERROR, described))
    attributes = {  # OpenTelemetry semantic conventions, exceptions
        "exception.type": f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."),
        "exception.message": message,
        "exception.stacktrace": content.words("".join(traceback.format_exception(error))),
    }
    span.add_event("exception", attributes)
