# SPDX-License-Identifier: Apache-2.0
"""A request for a page, and what a page is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from otel_sessions.clickhouse.surface import Client
from otel_sessions.component import Host
from otel_sessions.extensions.web.api.operation import Answer, Body, Call, Parameters


@dataclass(frozen=True, slots=True)
class Visit:
    """One request. `base` is the path that all pages stand under, empty or without a slash at its end.

    `query` has the parameters of the page's address in their order; `form` what a form sent, for actions.
    """

    client: Client
    call: Call[Any, Any]
    host: Host
    base: str
    path: str
    query: Sequence[tuple[str, str]]
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.call.now_ns / 1e9, UTC)

    @property
    def here(self) -> str:
        """The address of this page, with its state; of the whole page where only a part of it was asked for."""
        return self.with_query(fragment=None)

    @property
    def session_id(self) -> str:
        return self.call.ids["session_id"]

    @property
    def of_session(self) -> dict[str, str]:
        """The session of the page, by the names of arguments that the reads of `queries` have for it."""
        return {"project": self.call.project, "session_id": self.session_id}

    @property
    def otlp(self) -> dict[str, str]:
        """Where this service takes spans, as an application on another machine would write it: `grpc` and `http` as
        `host:port`, `grpc_url` and `http_url` as URLs; the defaults where none is running.
        """
        known = self.host.endpoints
        grpc, http = known.get("otlp/grpc", "127.0.0.1:4317"), known.get("otlp/http", "127.0.0.1:4318")
        return {"grpc": grpc, "http": http, "grpc_url": f"http://{grpc}", "http_url": f"http://{http}"}

    def get(self, name: str, default: str = "") -> str:
        """The last value of a parameter."""
        return next((value for key, value in reversed(self.query) if key == name), default)

    def all(self, name: str) -> list[str]:
        """All values of a parameter, in their order."""
        return [value for key, value in self.query if key == name]

    def with_query(self, **changes: str | None) -> str:
        """The address of this page with other parameters: None and empty text leave one out."""
        kept = [(key, value) for key, value in self.query if key not in changes and value]
        more = [(key.rstrip("_"), value) for key, value in changes.items() if value]
        kept = [(key, value) for key, value in kept if f"{key}_" not in changes]
        return self.path + ("?" + urlencode([*kept, *more]) if kept or more else "")

    def session_url(self, session_id: str) -> str:
        """The path of a session's page."""
        return f"{self.base}/sessions/{quote(session_id, safe='')}"

    def read(
        self,
        run: Callable[[Client, Any], Answer],
        parameters: type[Parameters] = Parameters,
        given: Mapping[str, Any] | None = None,
        *,
        ids: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> Any:
        """What an operation answers to this visitor; of `given`, None and empty text are left out.

        Raises what the operation raises, and pydantic's `ValidationError`.
        """
        named = {name: value for name, value in (given or {}).items() if value not in (None, "")}
        ids = self.call.ids if ids is None else ids
        call = replace(self.call, ids=ids, parameters=parameters.model_validate(named), body=body)
        return run(self.client, call).body


@dataclass(frozen=True, slots=True)
class Shown:
    """A page, or a part of one: a template and what it is filled with.

    `later` has by name the parts that its template leaves a `place` for. They are worked out one after the other, when
    what stands before them has gone out: whatever decides of the status stands in none of them.
    """

    template: str
    values: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    later: Mapping[str, Page] = field(default_factory=dict)


Page = Callable[[Visit], Shown]


@dataclass(frozen=True, slots=True)
class Done:
    """Where to go on once something was done, and what the page there tells of it, this once."""

    to: str
    told: str


Action = Callable[[Visit], str | Done | Shown]
"""Does what a form asks for; returns the address to go on to, or a page that is shown this once."""
