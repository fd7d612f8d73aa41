"""The OTLP services for logs and metrics: clients call them unasked, and are told how to stop it."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Final

import grpc

_logger = logging.getLogger(__name__)
_REMEMBERED_HOSTS: Final = 1024
SIGNALS: Final = ("logs", "metrics")


def message_of(signal: str) -> str:
    """What a client that sends this signal is told."""
    return (
        f"this service stores traces, not {signal}; "
        f"set OTEL_{signal.upper()}_EXPORTER=none in the sending application to turn its {signal} off"
    )


class FirstSeen:
    """Remembers the last `size` keys."""

    def __init__(self, size: int = _REMEMBERED_HOSTS) -> None:
        self._size = size
        self._keys: OrderedDict[object, None] = OrderedDict()

    def add(self, key: object) -> bool:
        """Whether the key is new."""
        known = key in self._keys
        self._keys[key] = None
        self._keys.move_to_end(key)
        if len(self._keys) > self._size:
            self._keys.popitem(last=False)
        return not known


class Notices:
    """Logs that a signal comes in vain, once for each signal and host."""

    def __init__(self) -> None:
        self._seen = FirstSeen()

    def log(self, signal: str, host: str) -> None:
        if self._seen.add((signal, host)):
            _logger.warning("%s sends %s, which are not stored: %s", host, signal, message_of(signal))


class OtherSignals(grpc.GenericRpcHandler):  # type: ignore[type-arg] # generic in the stubs only
    """Answers UNIMPLEMENTED without reading what was sent, and logs it."""

    def __init__(self) -> None:
        self._notices = Notices()
        self._handlers = {
            f"/opentelemetry.proto.collector.{signal}.v1.{signal.title()}Service/Export": self._handler(signal)
            for signal in SIGNALS
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        return self._handlers.get(handler_call_details.method)

    def _handler(self, signal: str) -> grpc.RpcMethodHandler[Any, Any]:
        def refuse(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
            self._notices.log(signal, context.peer().rpartition(":")[0])
            context.abort(grpc.StatusCode.UNIMPLEMENTED, message_of(signal))

        return grpc.stream_unary_rpc_method_handler(refuse)
