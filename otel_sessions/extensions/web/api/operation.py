# SPDX-License-Identifier: Apache-2.0
"""What an operation is: a method and a path, what it takes and answers, and the function that does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import ConfigDict, StringConstraints
from starlette.responses import Response

from otel_sessions.clickhouse.connection import Store
from otel_sessions.clickhouse.surface import Client
from otel_sessions.config.typed import Plain, fault_error
from otel_sessions.extensions.web.config import Config
from otel_sessions.extensions.web.deleter import Deleter
from otel_sessions.http.auth import Role
from otel_sessions.queries.share_hiding import NOTHING, Hidden
from otel_sessions.sessions.additions import MAX_NAME, MAX_PATH_NAME

Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME)]
"""What people call something in a body."""
Method = Literal["GET", "PUT", "POST", "DELETE"]


class Parameters(Plain):
    """Base of the parameters of a query string; one that it does not know is a fault, not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


class Body(Plain):
    """Base of what is sent as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)


P = TypeVar("P", bound=Parameters)
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Call(Generic[P, B]):
    """One request to an operation. `ids` are the names in its path, decoded; `base_url` is where people reach us.

    `store` and `is_stopping` are for what answers piece by piece, `deleter` for jobs that delete; `hidden` is what a
    link does not show, and `is_frozen` says that it opens the session as it was.
    """

    project: str
    ids: Mapping[str, str]
    parameters: P
    body: B
    config: Config
    base_url: str
    headers: Mapping[str, str]
    now_ns: int
    store: Store
    deleter: Deleter
    is_stopping: Callable[[], bool] = lambda: False
    hidden: Hidden = NOTHING
    is_frozen: bool = False

    @property
    def session_id(self) -> str:
        return self.ids["session_id"]

    def given(self, name: str) -> str:
        """The name in the path that is given with this call. Raises a `ValidationError` for one that is too long."""
        given = self.ids[name]
        if len(given) > MAX_PATH_NAME:
            raise fault_error(name, f"expected at most {MAX_PATH_NAME} characters")
        return given


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is JSON, or None for an answer without one."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """`run` takes a client and the call, in a thread; `stream` takes the call, on the event loop. One of them is given.

    `is_open` says that it needs no credentials; `role` which role it needs, by default `read` for what reads and
    `annotate` for what changes. `answers` are the media types of a successful answer.
    """

    method: Method
    path: str
    summary: str
    tag: str
    run: Callable[[Client, Any], Answer] | None = None
    stream: Callable[[Any], Awaitable[Response]] | None = None
    parameters: type[Parameters] = Parameters
    body: type[Body] | None = None
    is_body_optional: bool = False
    status: int = 200
    is_open: bool = False
    role: Role | None = None
    answers: tuple[str, ...] = ("application/json",)
    shape: Mapping[str, Any] = field(default_factory=dict)

    @property
    def list_name(self) -> str | None:
        """The member under which a list has its rows, after which its path is called; None for what is no plain list.

        The turns of a replay are none: they refer to the messages of their page.
        """
        name = self.path.rpartition("/")[2].replace("-", "_")
        is_list = "cursor" in self.parameters.model_fields and not name.startswith("{") and name != "turns"
        return name if is_list else None

    @property
    def given_name(self) -> str:
        """The name in its path that it gives to something: the last of what is put. Empty where it gives none."""
        last = self.path.rpartition("/")[2]
        return last.strip("{}") if self.method == "PUT" and last.startswith("{") else ""

    @property
    def needed_role(self) -> Role:
        return self.role or ("read" if self.method == "GET" else "annotate")
