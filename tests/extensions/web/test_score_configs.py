"""What scores of a name have to be, said over HTTP, and the scores that are held against it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.extensions.web.conftest import Api, span
from tests.extensions.web.pages.browsing import Browser

RANGE = {"data_type": "NUMERIC", "min_value": 0, "max_value": 1, "description": "how good it was"}
TONES = {"data_type": "CATEGORICAL", "categories": [{"label": "kind"}, {"label": "rude", "value": -1}]}


@pytest.fixture
def session(api: Api) -> str:
    api.store(span("s", 1))
    return "/sessions/s"


def score(api: Api, session: str, name: str, data_type: str, value: Any) -> int:
    sent = {"name": name, "data_type": data_type, "value": value}
    posted = api.call("POST", f"{session}/scores", sent)
    assert api.call("PUT", f"{session}/scores/mine-{name}", sent).status in (posted.status, 200)
    return posted.status


def test_a_configuration_is_saved_listed_and_deleted_under_its_name(api: Api) -> None:
    answer = api.call("PUT", "/score-configs/how%2Fgood", RANGE)
    assert answer.status == 200
    config = api.get("/score-configs/how%2Fgood")
    assert answer.json == config
    assert {name: config[name] for name in RANGE} == RANGE
    assert (config["name"], config["categories"], config["is_archived"]) == ("how/good", [], False)
    assert config["created_at"].endswith("Z")
    tones = api.call("PUT", "/score-configs/tone", TONES).json
    assert tones["categories"] == [{"value": 0.0, "label": "kind"}, {"value": -1.0, "label": "rude"}]
    page = api.get("/score-configs", limit=1)
    rest = api.get("/score-configs", limit=1, cursor=page["next_cursor"])
    assert (page["score_configs"], rest["score_configs"], rest["next_cursor"]) == ([config], [tones], None)
    again = api.call("PUT", "/score-configs/tone", TONES).json
    assert again["created_at"] == tones["created_at"]
    assert again["updated_at"] > tones["updated_at"]
    assert api.call("DELETE", "/score-configs/tone").status == 204
    for method in ("GET", "DELETE"):
        assert api.call(method, "/score-configs/tone").status == 404


def test_scores_are_held_against_the_configuration_of_their_name(api: Api, session: str) -> None:
    api.call("PUT", "/score-configs/good", RANGE)
    api.call("PUT", "/score-configs/tone", TONES)
    api.call("PUT", "/score-configs/liked", {"data_type": "BOOLEAN"})
    assert [score(api, session, "good", "NUMERIC", value) for value in (-0.1, 0, 1, 1.1)] == [400, 201, 201, 400]
    assert [score(api, session, "tone", "CATEGORICAL", value) for value in ("kind", "Kind")] == [201, 400]
    assert [score(api, session, "liked", "BOOLEAN", value) for value in (True, 0)] == [201, 201]
    assert score(api, session, "liked", "TEXT", "yes") == 400
    assert score(api, session, "other", "NUMERIC", 7) == 201
    told = api.call("POST", f"{session}/scores", {"name": "tone", "data_type": "CATEGORICAL", "value": "loud"})
    assert "'kind', 'rude'" in told.json["detail"]
    api.call("PUT", "/score-configs/good", {**RANGE, "is_archived": True})
    assert score(api, session, "good", "NUMERIC", 5) == 201


def test_the_page_offers_what_is_configured(api: Api, session: str) -> None:
    api.call("PUT", "/score-configs/good", RANGE)
    api.call("PUT", "/score-configs/old", {**RANGE, "is_archived": True})
    page = Browser(api).get(session)
    offered = {tags.get("value") for tag, tags in page.tags if tag == "option"}
    assert "good" in offered
    assert "old" not in offered


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({}, "data_type"),
        ({"data_type": "STARS"}, "data_type"),
        ({**RANGE, "min_value": 2}, "min_value"),
        ({**RANGE, "min_value": "low"}, "min_value"),
        ({"data_type": "BOOLEAN", "max_value": 1}, "max_value"),
        ({"data_type": "CATEGORICAL"}, "categories"),
        ({"data_type": "CATEGORICAL", "categories": [{"label": ""}]}, "categories.0.label"),
        ({"data_type": "CATEGORICAL", "categories": [{"label": "a"}, {"label": "a"}]}, "categories"),
        ({"data_type": "CATEGORICAL", "categories": [{"label": "a"}, {"label": "b", "value": 0}]}, "categories"),
        ({"data_type": "TEXT", "categories": [{"label": "a"}]}, "categories"),
        ({**RANGE, "colour": "red"}, "colour"),
    ],
)
def test_a_configuration_that_says_nothing_sound_is_400(api: Api, body: Any, member: str) -> None:
    refused = api.call("PUT", "/score-configs/x", body)
    assert (refused.status, [each["name"] for each in refused.json["errors"]]) == (400, [member])
    assert api.get("/score-configs")["score_configs"] == []
