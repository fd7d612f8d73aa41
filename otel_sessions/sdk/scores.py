# SPDX-License-Identifier: Apache-2.0
"""Scores, posted to the receiver as Langfuse's SDKs do: in the background, bounded, never in the way."""

from __future__ import annotations

import atexit
import json
import os
import queue
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final, Literal, TypedDict
from urllib.parse import unquote, urlsplit

from opentelemetry import context

from otel_sessions.sdk.export import call_after_fork, call_at_end, environment_endpoint, listens
from otel_sessions.sdk.safely import Safely, log_once, logger

DataType = Literal["NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT"]
PATH: Final = "/api/public/scores"
MAX_WAITING: Final = 1000
_ATTEMPTS: Final = 4
_FIRST_WAIT_S: Final = 0.5
_TIMEOUT_S: Final = 5.0
_EXIT_S: Final = 3.0
_DEFAULT: Final = "http://localhost:4318"
_posting = Safely("posting scores")
_sending = Safely("sending a score")
_NAMES = {"score_id": "id", "data_type": "dataType", "config_id": "configId"}


class ScoreFields(TypedDict, total=False):
    """What a score may have beside name and value; `score_id` makes it the same score when it is sent again."""

    score_id: str | None
    data_type: DataType | None
    comment: str | None
    metadata: Any
    environment: str | None
    config_id: str | None


class Scores:
    """A queue, and a thread while there is something in it. Any thread may call it; nothing it does raises."""

    def __init__(self) -> None:
        self.url: str | None = None
        self.headers: Mapping[str, str] = {}
        self._closed = False
        self._begin()

    def _begin(self) -> None:
        """Begins with an empty queue, in a forked process too: what waited is its parent's to send."""
        self._waiting: queue.Queue[Mapping[str, Any]] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, score: Mapping[str, Any]) -> None:
        """Takes a score; when `MAX_WAITING` wait already, it is dropped and the log says so; after `close`, always."""
        with Safely("queueing a score"):
            if self._closed or sys.is_finalizing():  # a thread that is started now would be waited for in vain
                return
            try:
                self._waiting.put_nowait(score)
            except queue.Full as error:
                log_once("keeping a score: too many wait", queue.Full, error)
                return
            with self._lock:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="otel-sessions-scores", daemon=True)
                    self._thread.start()

    def flush(self, timeout: float) -> bool:
        """Whether nothing waits any more, after at most `timeout` seconds; at once if nobody listens."""
        if self._waiting.unfinished_tasks and not listens(self._target()):
            return False
        end = time.monotonic() + timeout
        while self._waiting.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.01)
        return not self._waiting.unfinished_tasks

    def close(self, timeout: float) -> None:
        """Flushes, and takes no more."""
        with Safely("sending the last scores"):
            if not self.flush(timeout):
                logger.warning("nobody answers at %s: scores that were not sent yet are dropped", self._target())
        self._closed = True

    def _run(self) -> None:
        # The post is no part of the application's traces.
        context.attach(context.set_value("suppress_instrumentation", True))
        context.attach(context.set_value(getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", "_"), True))
        while True:
            with self._lock:
                if self._waiting.empty():
                    self._thread = None
                    return
            with _posting:
                self._post(self._waiting.get())
            self._waiting.task_done()

    def _post(self, score: Mapping[str, Any]) -> None:
        body = json.dumps(score, default=str).encode()
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_FIRST_WAIT_S * 2 ** (attempt - 1))
            if self._try_to_post(body):
                return
        logger.warning("a score was not taken by %s in %d attempts; it is dropped", self._target(), _ATTEMPTS)

    def _try_to_post(self, body: bytes) -> bool:
        """Whether there is nothing to try again."""
        import http.client  # noqa: PLC0415
        import urllib.error  # noqa: PLC0415 - imports the whole of HTTP, which an application without scores need not pay
        import urllib.request  # noqa: PLC0415

        # those of the environment, by which the receiver knows its clients
        pairs = [
            pair.split("=", 1) for pair in os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "").split(",") if "=" in pair
        ]
        headers = {
            "Content-Type": "application/json",
            **{key.strip(): unquote(value.strip()) for key, value in pairs},
            **self.headers,
        }
        request = urllib.request.Request(self._target(), body, headers, method="POST")  # noqa: S310 - the operator's URL
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310
                return True
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 429 or error.code >= 500:
                    return False
                logger.warning("a score was refused: HTTP %d %s", error.code, error.read(500).decode(errors="replace"))
                return True
        except (OSError, http.client.HTTPException):  # nobody, or nobody who speaks HTTP
            return False

    def _target(self) -> str:
        base = self.url or os.environ.get("OTEL_SESSIONS_SCORES_ENDPOINT") or _beside(environment_endpoint())
        return base.rstrip("/") + PATH


def set_target(url: str | None, endpoint: str | None, headers: Mapping[str, str] | None) -> None:
    """Has scores sent to `url`, else to the port beside the OTLP endpoint."""
    SCORES.url = url or (_beside(endpoint) if endpoint else None)
    SCORES.headers = dict(headers or {})


def _beside(endpoint: str | None) -> str:
    """The base URL of the receiver's HTTP port: an OTLP/HTTP endpoint without its path, the port beside gRPC's."""
    if not endpoint:
        return _DEFAULT
    url = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    if url.port == 4317:
        return f"{url.scheme}://{url.netloc.removesuffix(':4317')}:4318"
    return f"{url.scheme}://{url.netloc}{url.path.rstrip('/').removesuffix('/v1/traces')}"


def send(
    name: str,
    value: float | str | bool,
    more: Mapping[str, Any],
    *,
    session_id: str | None = None,
    trace_id: str | None = None,
    observation_id: str | None = None,
) -> None:
    """Sends it in the background; the type is that of the value unless given."""
    with _sending:
        if unknown := more.keys() - ScoreFields.__annotations__.keys():
            logger.warning("a score has no field %s; it is left out", ", ".join(sorted(unknown)))
        data_type: DataType = "NUMERIC" if isinstance(value, int | float) else "CATEGORICAL"
        if isinstance(value, bool):
            data_type = "BOOLEAN"
        score = {
            "id": uuid.uuid4().hex,
            "name": name,
            "value": int(value) if isinstance(value, bool) else value,
            "dataType": data_type,
            "sessionId": session_id,
            "traceId": trace_id,
            "observationId": observation_id,
            **{_NAMES.get(key, key): each for key, each in more.items() if key not in unknown and each is not None},
        }
        SCORES.put({key: each for key, each in score.items() if each is not None})


SCORES: Final = Scores()
call_after_fork(SCORES._begin)
atexit.register(SCORES.close, _EXIT_S)
call_at_end(lambda: SCORES.close(_EXIT_S))
