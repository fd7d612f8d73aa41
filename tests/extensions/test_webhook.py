"""What `webhook` decides and sends, with a receiver that takes and refuses as it is told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook as Receiver
from standardwebhooks.webhooks import WebhookVerificationError

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import ComponentId, Host
from otel_sessions.extensions.webhook import Config, Webhook
from otel_sessions.extensions.webhook.alerts import Alerts
from otel_sessions.extensions.webhook.config import Alert
from otel_sessions.extensions.webhook.sender import id_of
from otel_sessions.pdata import decode
from otel_sessions.processors.session import SessionConfig, SessionProcessor
from otel_sessions.sessions import additions, attribution, deletion, hooks
from otel_sessions.telemetry import Metrics
from otel_sessions.testing.otlp import request, span
from tests.integration.delivery import insert, new_project
from tests.integration.running import wait_until

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
MINUTE = 60 * 10**9


class Inbox:
    """A server that writes down every POST: its headers, lower case, and its body; `status` is what it answers."""

    def __init__(self) -> None:
        inbox = self
        self.status = 204
        self.got: list[tuple[dict[str, str], bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(inbox.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def told(self) -> list[tuple[str, int]]:
        """(session, revision) of each."""
        data = [json.loads(body)["data"] for _, body in self.got]
        return [(each["session_id"], each["revision"]) for each in data]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    inbox = Inbox()
    yield inbox
    inbox.close()


@pytest.fixture
def host() -> Host:
    return Host(Metrics())


@pytest.fixture
def tell(clickhouse_endpoint: Endpoint, host: Host, inbox: Inbox) -> Iterator[Any]:
    """Starts a webhook for a project; it is stopped at the end, or by what is returned."""
    running: list[Webhook] = []

    def start(project: str, **settings: Any) -> Webhook:
        retry = {"initial_interval": 0.1, "max_interval": 0.2}
        told = {"url": inbox.url, "secret": SECRET, "projects": [project], "check_interval": 0.1, "timeout": 5}
        config = Config.model_validate({**told, "retry_on_failure": retry, **settings})
        webhook = Webhook(ComponentId("webhook", project), config, clickhouse_endpoint, host, settled_s=0.3)
        webhook.start()
        running.append(webhook)
        return webhook

    yield start
    for each in running:
        each.shutdown(10)


def store(client: Client, project: str, session: str, *, ago_min: float, **attributes: Any) -> bytes:
    """A span of the session that ended so many minutes ago; the request, to store it again."""
    end = time.time_ns() - int(ago_min * MINUTE)
    one = span(start=end - MINUTE, end=end, attributes={"session.id": session, **attributes})
    body = request(one).SerializeToString()
    again(client, project, body)
    return body


def again(client: Client, project: str, body: bytes, *, is_corrected: bool = True) -> None:
    """As a service stores a request; one that has not come to what the request has changed, if so said."""
    batch = SessionProcessor(SessionConfig()).process(decode([body], [project]).batch)
    insert(client, batch)
    if not is_corrected:
        return
    traces = [(project, trace) for trace in batch["TraceId"].to_pylist()]
    attribution.correct(client, [doubt.trace for doubt in attribution.find(client, traces)])


def test_a_session_is_told_of_once_it_is_silent_and_again_when_it_was_reopened(
    otel_client: Client, inbox: Inbox, tell: Any
) -> None:
    project = new_project()
    store(otel_client, project, "old", ago_min=60 * 30)
    store(otel_client, project, "busy", ago_min=5)
    body = store(otel_client, project, "silent", ago_min=45, **{"user.id": "ada"})
    first = tell(project)
    wait_until(lambda: inbox.told, wanted=lambda told: told == [("silent", 1)])
    first.shutdown(10)
    headers, sent = inbox.got[0]
    Receiver(SECRET).verify(sent, headers)
    data = json.loads(sent)["data"]
    assert (data["project"], data["user_ids"], data["state"], data["span_count"]) == (project, ["ada"], "idle", 1)
    assert {"total_tokens", "end_time"} <= data.keys()
    assert {"input", "metadata"} & data.keys() == set()
    again(otel_client, project, body)
    store(otel_client, project, "silent", ago_min=40)
    second = tell(project)
    wait_until(lambda: inbox.told, wanted=lambda told: told == [("silent", 1), ("silent", 2)])
    second.shutdown(10)
    again(otel_client, project, body)  # a repetition is no change
    tell(project)
    time.sleep(1.2)
    assert len(inbox.told) == 2
    assert len({headers["webhook-id"] for headers, _ in inbox.got}) == 2


def test_what_is_told_is_right_also_where_no_receiver_has_come_to_correct_it(
    otel_client: Client, inbox: Inbox, tell: Any
) -> None:
    project = new_project()
    body = store(otel_client, project, "repeated", ago_min=45)
    for _ in range(2):
        again(otel_client, project, body, is_corrected=False)
    assert otel_client.query(
        "SELECT SpanCount FROM sessions WHERE Project = {p:String}", {"p": project}
    ).result_rows == [(3,)], "the sums, until they are corrected"
    tell(project)
    wait_until(lambda: inbox.told, wanted=lambda told: told == [("repeated", 1)])
    assert json.loads(inbox.got[0][1])["data"]["span_count"] == 1


def test_what_is_not_taken_is_told_again_with_the_same_id_and_body_until_it_is(
    otel_client: Client, inbox: Inbox, tell: Any, host: Host
) -> None:
    project = new_project()
    inbox.status = 500
    store(otel_client, project, "refused", ago_min=45)
    webhook = tell(project)
    wait_until(lambda: len(inbox.got), wanted=lambda count: count >= 3)
    assert host.health()[f"webhook/{project}"] == "the receiver answers 500"
    webhook.shutdown(10)
    inbox.status = 200
    before = len(inbox.got)
    tell(project)  # another process
    wait_until(lambda: len(inbox.got), wanted=lambda count: count == before + 1)
    assert {headers["webhook-id"] for headers, _ in inbox.got} == {inbox.got[0][0]["webhook-id"]}
    assert {body for _, body in inbox.got} == {inbox.got[0][1]}
    wait_until(lambda: host.health()[f"webhook/{project}"], wanted=lambda problem: problem is None)
    time.sleep(0.5)
    assert len(inbox.got) == before + 1


def test_what_is_never_taken_is_given_up(otel_client: Client, inbox: Inbox, tell: Any) -> None:
    project = new_project()
    inbox.status = 410
    store(otel_client, project, "gone", ago_min=45)
    tell(project, retry_on_failure={"initial_interval": 0.1, "max_interval": 0.1, "max_elapsed_time": 0.5})
    state = "SELECT toString(State) FROM _session_hooks FINAL WHERE Project = {project:String}"
    read = lambda: otel_client.query(state, parameters={"project": project}).result_rows  # noqa: E731
    wait_until(read, wanted=lambda rows: list(rows) == [("given_up",)])


def test_a_project_may_have_a_silence_of_its_own(
    otel_client: Client, inbox: Inbox, tell: Any, limits: Callable[..., None]
) -> None:
    quick, slow = new_project(), new_project()
    for project in (quick, slow):
        store(otel_client, project, f"of {project}", ago_min=10)
    limits(idle_after_of={quick: 300})
    tell(quick, projects=[quick, slow])
    wait_until(lambda: inbox.told, wanted=lambda told: told == [(f"of {quick}", 1)])
    time.sleep(0.5)
    assert len(inbox.told) == 1


def test_a_deleted_session_leaves_nothing_here_either(otel_client: Client, inbox: Inbox, tell: Any) -> None:
    project = new_project()
    store(otel_client, project, "to forget", ago_min=45)
    tell(project)
    wait_until(lambda: inbox.told, wanted=lambda told: told == [("to forget", 1)])
    deletion.delete(otel_client, [(project, "to forget")])
    left = "SELECT count() FROM _session_hooks WHERE Project = {project:String}"
    assert otel_client.query(left, parameters={"project": project}).result_rows[0][0] == 0


def test_each_key_signs_and_a_changed_body_is_found_out(otel_client: Client, inbox: Inbox, tell: Any) -> None:
    project = new_project()
    older = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU="
    store(otel_client, project, "signed", ago_min=45)
    tell(project, old_secrets=[older])
    wait_until(lambda: len(inbox.got))
    headers, body = inbox.got[0]
    for secret in (SECRET, older):
        Receiver(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Receiver(SECRET).verify(body + b" ", headers)


def test_an_alert_fires_once_it_has_lasted_and_is_resolved_when_it_is_over(otel_client: Client) -> None:
    project, now = new_project(), [0.0]
    additions.save_view(otel_client, project=project, name="paid", query="user:ada")
    alert = {"name": "many", "project": project, "view": "paid", "metric": "traces", "above": 1, "for": "2m"}
    problems: dict[str, str | None] = {}
    alerts = Alerts("webhook", [Alert.model_validate(alert)], problems.__setitem__, clock=lambda: now[0])

    def told(at_min: float) -> list[tuple[str, int, float]]:
        """(type, revision, value) of what is pending after a look at this time."""
        now[0] = at_min * 60
        alerts.decide(otel_client)
        due = hooks.due(otel_client, alerts.hooks, now_ms=time.time_ns() // 10**6 + 1000, limit=10)
        assert len({id_of(notice) for notice in due}) == len(due)
        bodies = sorted((json.loads(notice.payload) for notice in due), key=lambda body: body["data"]["revision"])
        return [(body["type"], body["data"]["revision"], body["data"]["value"]) for body in bodies]

    for _ in range(2):
        store(otel_client, project, "of ada", ago_min=2, **{"user.id": "ada"})
        store(otel_client, project, "of bob", ago_min=2, **{"user.id": "bob"})
    assert told(0) == told(1) == []
    firing = ("alert.firing", 1, 2)
    assert told(2) == told(3) == told(9) == [firing]
    additions.save_view(otel_client, project=project, name="paid", query="user:eve")
    assert told(10) == [firing]
    additions.save_view(otel_client, project=project, name="paid", query="user:ada")
    assert told(11) == [firing]  # it was no more than a moment
    additions.save_view(otel_client, project=project, name="paid", query="user:eve")
    assert told(13) == told(14) == [firing]
    assert told(15) == [firing, ("alert.resolved", 2, 0)]
    additions.delete_view(otel_client, project=project, name="paid")
    assert len(told(16)) == 2
    assert "there is no saved view 'paid'" in str(problems["webhook alert many"])


def test_an_alert_is_sent_as_silent_sessions_are(otel_client: Client, inbox: Inbox, tell: Any) -> None:
    project = new_project()
    additions.save_view(otel_client, project=project, name="all", query="")
    alert = {"name": "quiet", "project": project, "view": "all", "metric": "traces", "below": 1, "for": 0}
    inbox.status = 500
    tell(project, alerts=[alert])
    wait_until(lambda: len(inbox.got), wanted=lambda count: count >= 2)
    inbox.status = 200
    headers, body = wait_until(lambda: inbox.got[-1])
    Receiver(SECRET).verify(body, headers)
    assert json.loads(body)["type"] == "alert.firing"
    assert {headers["webhook-id"] for headers, _ in inbox.got} == {headers["webhook-id"]}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"secret": "hunter2"}, "openssl rand -base64 32"),
        ({"url": "ftp://a"}, "https://hooks.example.com"),
        ({"fields": ["everything"]}, "'core', 'usage'"),
        ({"alerts": [{"name": "a", "view": "v", "metric": "errors"}]}, "one of above and below"),
        ({"alerts": [{"name": "a", "view": "v", "metric": "errors", "above": 1}] * 2}, "several alerts are called a"),
    ],
)
def test_a_configuration_that_tells_of_nothing_is_a_fault(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Config.model_validate({"url": "http://a", "secret": SECRET, **changed})
