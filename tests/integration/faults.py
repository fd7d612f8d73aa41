"""Ways in which networks and servers fail, for `faulty.Proxy`."""

from __future__ import annotations

import socket

from tests.integration.faulty import Exchange, Fault


def resets(after: int = 0) -> Fault:
    """The connection is reset when `after` bytes of the request's body have been taken; ClickHouse sees nothing."""

    def reset(exchange: Exchange) -> None:
        exchange.rfile.read(min(after, exchange.length))
        exchange.reset()

    return reset


def hangs(exchange: Exchange) -> None:
    """No answer, until the fault is lifted; ClickHouse sees nothing."""
    exchange.rfile.read(exchange.length)
    exchange.server.proxy.lifted.wait(120)
    exchange.reset()


def half_closes(exchange: Exchange) -> None:
    """The other side says that it will say nothing more, and listens on."""
    exchange.close_connection = True
    exchange.connection.shutdown(socket.SHUT_WR)
    exchange.rfile.read(exchange.length)


def drips(seconds_a_byte: float) -> Fault:
    """The answer comes byte by byte."""

    def drip(exchange: Exchange) -> None:
        def write(body: bytes) -> None:
            for byte in body:
                exchange.wfile.write(bytes([byte]))
                exchange.server.proxy.lifted.wait(seconds_a_byte)

        exchange.answer(*exchange.forward(), write)

    return drip


def loses_the_answer(exchange: Exchange) -> None:
    """ClickHouse does it; the connection is reset before it can say so."""
    exchange.forward()
    exchange.reset()


def cuts_the_answer(exchange: Exchange) -> None:
    """The headers and half of the body arrive."""
    status, headers, body = exchange.forward()
    exchange.close_connection = True
    exchange.answer(status, headers, body, lambda whole: exchange.wfile.write(whole[: len(whole) // 2]))


def answers(code: int, name: str, status: int = 500) -> Fault:
    """As ClickHouse says that something is wrong; it sees nothing."""
    return lambda exchange: exchange.error(code, name, status)
