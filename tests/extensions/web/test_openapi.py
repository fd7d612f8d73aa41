"""The document, and whatever it allows a client to send: no answer is a failure of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from otel_sessions.extensions.web import Web
from otel_sessions.extensions.web.api.operation import Operation
from otel_sessions.extensions.web.api.routes import OPERATIONS
from otel_sessions.extensions.web.openapi import document
from tests.examples import examples
from tests.extensions.web.conftest import Api, span

ENDLESS = "/api/v1/sessions/{session_id}/events"
FINITE = [operation for operation in OPERATIONS if operation.path != ENDLESS]
BOUNDARIES = 6
"""How many of an operation's values at a boundary, some 45, are sent at a run."""


@pytest.fixture(scope="module")
def described() -> Any:
    """The document as schemathesis reads it; imported here, as that costs the collection of all tests seconds."""
    import schemathesis

    return schemathesis.openapi.from_dict(document(FINITE))


def test_the_document_has_every_operation_with_its_parameters(api: Api) -> None:
    answer = api.call("GET", "/openapi.json")
    paths = answer.json["paths"]
    assert {(op.path, op.method.lower()) for op in OPERATIONS} == {
        (path, method) for path, methods in paths.items() for method in methods
    }
    listed = {each["name"]: each for each in paths["/api/v1/sessions"]["get"]["parameters"]}
    assert listed["limit"]["schema"]["maximum"] == 1000
    assert "last_activity" in json.dumps(listed["sort"])
    assert listed["from"]["schema"]["format"] == "date-time"
    assert "a date is taken as its whole UTC day" in json.dumps(listed["from"])
    body = paths["/api/v1/sessions/{session_id}/scores"]["post"]["requestBody"]
    assert body["content"]["application/json"]["schema"]["$ref"].endswith("/Score")


@pytest.mark.parametrize("operation", FINITE, ids=lambda each: f"{each.method} {each.path}")
def test_nothing_that_is_sent_is_a_failure_of_ours(operation: Operation, described: Any, web: Web) -> None:
    from schemathesis import GenerationMode

    def send(case: Any) -> None:
        answer = case.call(base_url=f"http://{web.endpoints['web']}", headers={"X-Project": "schemathesis"})
        assert answer.status_code < 500, answer.content
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"]

    known = described[operation.path][operation.method]
    modes = list(GenerationMode)
    kept = described.config.generation_for(operation=known)
    boundaries = list(described.iter_coverage_cases(known, generation_modes=modes, generation_config=kept))
    for case in boundaries[:: max(1, len(boundaries) // examples(BOUNDARIES))]:
        send(case)
    few = settings(
        max_examples=examples(2), suppress_health_check=list(HealthCheck), phases=[Phase.generate], database=None
    )
    few(given(st.one_of([known.as_strategy(generation_mode=mode) for mode in modes]))(send))()


def test_statements_in_every_parameter_are_text(api: Api) -> None:
    api.store(span("s", 1), span("t", 2))
    attacks = [
        "' OR 1=1 --",
        "'; DROP TABLE otel_traces; --",
        "') UNION ALL SELECT * FROM system.tables --",
        "{x:String}",
        "\\'",
        "`",
    ]
    for attack in attacks:
        for name in ("q", "user_id", "service", "environment", "model", "tag"):
            assert api.ids(**{name: attack}) == []
        for name in ("cursor", "sort", "order", "limit", "from", "fields"):
            assert api.call("GET", "/sessions", **{name: attack}).status == 400
        quoted = attack.replace("\\", "\\\\").replace('"', '\\"')
        assert api.ids(query=f'metadata."{quoted}":"{quoted}"') == []
        assert api.get("/facets", field=f"attr.{attack}")["values"] == []
        assert api.get("/users", q=attack)["users"] == []
    assert sorted(api.ids()) == ["s", "t"]
