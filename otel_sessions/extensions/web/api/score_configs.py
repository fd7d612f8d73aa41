# SPDX-License-Identifier: Apache-2.0
"""`/score-configs`: type, range or categories of the scores of a name, which scores that come by REST must be of."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from otel_sessions.clickhouse.surface import Client
from otel_sessions.config.typed import fault_error
from otel_sessions.extensions.web.api.operation import Answer, Body, Call, Name, Operation, Parameters
from otel_sessions.extensions.web.api.parameters import PagedTexts, Texts
from otel_sessions.extensions.web.problems import NotFound
from otel_sessions.queries import score_configs
from otel_sessions.queries.rows import Row
from otel_sessions.queries.shapes import cut
from otel_sessions.sessions import additions as writes
from otel_sessions.sessions.scores import DataType

Bound = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Category(Body):
    """`value` orders categories; without one it is the place in the list, from 0."""

    label: Name
    value: Bound | None = None


class ScoreConfig(Body):
    """What scores of one name have to be.

    NUMERIC ones are within `min_value` and `max_value`, both inclusive and optional; CATEGORICAL ones have the label of
    one of `categories`. What is archived is no longer offered, nor are scores held against it.
    """

    data_type: DataType
    min_value: Bound | None = None
    max_value: Bound | None = None
    categories: Annotated[tuple[Category, ...], Field(max_length=1000)] = ()
    description: Annotated[str, StringConstraints(max_length=10_000)] = ""
    is_archived: bool = False

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.data_type != "NUMERIC" and (self.min_value is not None or self.max_value is not None):
            raise fault_error(
                "max_value" if self.min_value is None else "min_value", "only NUMERIC scores have a range"
            )
        if self.min_value is not None and self.max_value is not None and self.min_value > self.max_value:
            raise fault_error("min_value", "expected at most max_value")
        if (self.data_type == "CATEGORICAL") != bool(self.categories):
            raise fault_error("categories", "CATEGORICAL scores have categories, and only these do")
        labels = {category.label for category in self.categories}
        values = {category["value"] for category in self.shown_categories()}
        if len(labels) < len(self.categories) or len(values) < len(self.categories):
            raise fault_error("categories", "two have one label, or one value")
        return self

    def shown_categories(self) -> list[Row]:
        return [
            {"value": float(place) if category.value is None else category.value, "label": category.label}
            for place, category in enumerate(self.categories)
        ]


def list_(client: Client, call: Call[PagedTexts, None]) -> Answer:
    wanted = call.parameters
    page = score_configs.list_configs(client, project=call.project, limit=wanted.limit, cursor=wanted.cursor)
    shown = [cut(row, wanted.preview) for row in page.rows]
    return Answer({"score_configs": shown, "next_cursor": page.next_cursor})


def get(client: Client, call: Call[Texts, None]) -> Answer:
    return Answer(cut(_known(client, call), call.parameters.preview))


def put(client: Client, call: Call[Parameters, ScoreConfig]) -> Answer:
    given = call.body
    writes.save_score_config(
        client,
        project=call.project,
        name=call.given("name"),
        data_type=given.data_type,
        min_value=given.min_value,
        max_value=given.max_value,
        categories=given.shown_categories(),
        description=given.description,
        is_archived=given.is_archived,
    )
    return Answer(_known(client, call))


def delete(client: Client, call: Call[Parameters, None]) -> Answer:
    _known(client, call)
    writes.delete_score_config(client, project=call.project, name=call.ids["name"])
    return Answer(status=204)


def check(client: Client, *, project: str, name: str, data_type: str, value: Any) -> None:
    """Raises a `ValidationError` for a score that is not of the type, range or categories configured for its name."""
    config = score_configs.one(client, project=project, name=name)
    if config is None or config["is_archived"]:
        return
    if data_type != config["data_type"]:
        raise fault_error("data_type", f"scores called {name!r} are {config['data_type']}, by their configuration")
    if data_type == "NUMERIC":
        low, high = config["min_value"], config["max_value"]
        if (low is not None and value < low) or (high is not None and value > high):
            least, most = ("-inf" if low is None else f"{low:g}"), ("inf" if high is None else f"{high:g}")
            raise fault_error("value", f"scores called {name!r} are from {least} to {most}, by their configuration")
    labels = [category["label"] for category in config["categories"]]
    if data_type == "CATEGORICAL" and value not in labels:
        known = ", ".join(map(repr, labels[:20]))
        raise fault_error("value", f"scores called {name!r} are one of {known}, by their configuration")


def _known(client: Client, call: Call[Any, Any]) -> Row:
    config = score_configs.one(client, project=call.project, name=call.ids["name"])
    if config is None:
        raise NotFound("there is no score configuration of this name")
    return config


_CONFIGS = "/api/v1/score-configs"
_CONFIG = f"{_CONFIGS}/{{name}}"
OPERATIONS = (
    Operation("GET", _CONFIGS, "List what scores have to be", "score-configs", list_, parameters=PagedTexts),
    Operation("GET", _CONFIG, "Get what scores of a name have to be", "score-configs", get, parameters=Texts),
    Operation(
        "PUT", _CONFIG, "Say what scores of a name have to be", "score-configs", put, body=ScoreConfig, role="admin"
    ),
    Operation("DELETE", _CONFIG, "Let scores of a name be anything", "score-configs", delete, status=204, role="admin"),
)
