"""What is told who sends a wrong parameter: our words, not those of a library, and the nearest right one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from otel_sessions.config.typed import Plain
from otel_sessions.extensions.web.api.parameters import Listed
from otel_sessions.extensions.web.api.questions import Metrics
from otel_sessions.extensions.web.api.routes import OPERATIONS
from otel_sessions.extensions.web.mcp.catalogue import TOOLS
from otel_sessions.extensions.web.problems import problem
from otel_sessions.langfuse.answers import Page, message_of
from otel_sessions.langfuse.score_pages import ScoresPage

LIBRARY = re.compile(r"Input|Value error|[Ee]xtra inputs|should|unable to|valid ")


def detail(model: type[Plain], given: dict[str, object]) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(given)
    return bytes(problem(caught.value).body).decode()


@pytest.mark.parametrize(
    ("model", "given", "said"),
    [
        (Listed, {"sort": "costs"}, "sort: expected 'last_activity', .* or 'cost', not 'costs'; did you mean 'cost'"),
        (Listed, {"sort": "DURATION"}, "did you mean 'duration'"),
        (Listed, {"order": "down"}, "order: expected 'asc' or 'desc', not 'down'"),
        (Listed, {"qery": "x"}, "qery: is not a known key; did you mean 'query'"),
        (Listed, {"form": "2026-01-01"}, "did you mean 'from'"),
        (Listed, {"from": "today"}, "write a date, as in 2026-01-31, or a time as RFC 3339 has it"),
        (Listed, {"limit": "5000"}, "limit: expected at most 1000, not 5000"),
        (Listed, {"limit": "0"}, "limit: expected at least 1, not 0"),
        (Listed, {"limit": "many"}, "limit: expected a whole number, not 'many'"),
        (Listed, {"has_error": "perhaps"}, "has_error: expected true or false, not 'perhaps'"),
        (Listed, {"min_cost": "nan"}, "min_cost: expected a finite number"),
        (Listed, {"fields": "core,scors"}, "there are core, usage, io, metadata, scores; did you mean 'scores'"),
        (Metrics, {"series": "costs"}, "did you mean 'cost'"),
        (Metrics, {"group_by": "models"}, "did you mean 'model'"),
        (Page, {"pge": "1"}, "did you mean 'page'"),
        (ScoresPage, {"dataType": "NUMERICAL"}, "did you mean 'NUMERIC'"),
    ],
)  # fmt: skip
def test_the_nearest_word_and_the_bound_are_said(model: type[Plain], given: dict[str, object], said: str) -> None:
    assert re.search(said, detail(model, given)), detail(model, given)


def test_a_date_is_its_whole_day_at_both_ends_of_a_window() -> None:
    window = Listed.model_validate({"from": "2026-11-28", "to": "2026-11-28"})
    whole = Listed.model_validate({"from": "2026-11-28T00:00:00Z", "to": "2026-11-28T23:59:59.999999999Z"})
    assert window == whole


def everywhere() -> Iterator[type[Plain]]:
    """Whatever REST, the Model Context Protocol and Langfuse's API take."""
    for operation in OPERATIONS:
        yield from filter(None, (operation.parameters, operation.body))
    yield from (tool.parameters for tool in TOOLS.values())
    yield from (Page, ScoresPage)


@pytest.mark.parametrize("model", dict.fromkeys(everywhere()), ids=lambda model: model.__name__)
def test_no_text_of_a_library_is_shown(model: type[Plain]) -> None:
    names = [field.alias or name for name, field in model.model_fields.items()]
    for name in [*names, "unknown"]:
        for wrong in ("~", "", "9" * 30, -1, None, [], {}, ["~"], 10**12, 1.5, True, "x" * 300_000):
            try:
                model.model_validate({name: wrong})
            except ValidationError as error:
                for said in (bytes(problem(error).body).decode(), message_of(error)):
                    assert not LIBRARY.search(said), said


class Several(Plain):
    wanted: list[int] | tuple[int, ...] | None = None
    one: bool | float | str | None = None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"wanted": {}}, "wanted: expected a list, not a map"),
        ({"one": {}}, "one: expected true or false, a number or text, not a map"),
    ],
)
def test_what_may_be_of_several_kinds_is_told_each_once(given: dict[str, object], said: str) -> None:
    assert said in detail(Several, given)
