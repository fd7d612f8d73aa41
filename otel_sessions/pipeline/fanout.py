# SPDX-License-Identifier: Apache-2.0
"""Fanout, as the Collector calls it: one receiver gives each request to several pipelines."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from otel_sessions.component import Consumer, Outcome, Request
from otel_sessions.errors import Retryable


class Fanout:
    """Hands every request to all of `consumers`, of which there is at least one.

    Answers when all have: with a retryable error if there is any, else with any error, else with the first outcome and
    everybody's messages. A consumer without room does not keep the request from the others.
    """

    def __init__(self, consumers: Sequence[Consumer]) -> None:
        self._consumers = consumers

    def consume(self, request: Request) -> Future[Outcome]:
        together: Future[Outcome] = Future()
        together.set_running_or_notify_cancel()
        futures: list[Future[Outcome]] = []
        for consumer in self._consumers:
            try:
                futures.append(consumer.consume(request))
            except Exception as error:  # noqa: BLE001 - it is this consumer's answer
                futures.append(Future())
                futures[-1].set_exception(error)
        left = iter(range(len(futures) - 1, -1, -1))
        lock = threading.Lock()

        def done(_: Future[Outcome]) -> None:
            with lock:
                last = next(left) == 0
            if not last:
                return
            errors = [error for future in futures if (error := future.exception()) is not None]
            if errors:
                together.set_exception(next((error for error in errors if isinstance(error, Retryable)), errors[0]))
                return
            outcomes = [future.result() for future in futures]
            messages = dict.fromkeys(outcome.message for outcome in outcomes if outcome.message)
            together.set_result(Outcome(outcomes[0].accepted_spans, outcomes[0].rejected_spans, "; ".join(messages)))

        for future in futures:
            future.add_done_callback(done)
        return together
