"""An address that leads to a server, or to nobody."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.integration.running import free_port


@dataclass
class Gate:
    """`address` leads to `target` while it is open; while it is shut, connections are refused and open ones end."""

    target: str
    address: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")
    _listener: socket.socket | None = None
    _ends: list[socket.socket] = field(default_factory=list)

    def open(self) -> None:
        self._listener = socket.create_server(_split(self.address))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        if self._listener is not None:
            listener, self._listener = self._listener, None
            _end(listener)
        while self._ends:
            _end(self._ends.pop())

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                self._ends.append(client)
                if self._listener is not listener:  # it was shut meanwhile
                    _end(client)
                    return
                server = socket.create_connection(_split(self.target))
                self._ends.append(server)
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _end(source)
    _end(sink)


def _end(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


@contextmanager
def gate(target: str) -> Iterator[Gate]:
    """Shut to begin with, and in the end."""
    made = Gate(target)
    try:
        yield made
    finally:
        made.shut()
