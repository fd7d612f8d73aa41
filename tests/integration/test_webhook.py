"""Every revision of a silent session is told of over kills of the service, and none is two things."""

from __future__ import annotations

import json
import os
import random
import time
from collections import defaultdict

import pytest
import yaml

from otel_sessions.testing.otlp import request, span
from tests.extensions.test_webhook import MINUTE, SECRET, Inbox
from tests.integration.running import WAL, Directory, config, wait_until

ROUNDS = int(os.environ.get("HOOK_ROUNDS", "1"))  # more: make soak ARGS="--scene hooks --rounds 50"


@pytest.mark.timeout(60 + 30 * ROUNDS)
def test_every_revision_is_told_of_over_kills_and_none_is_two_things(directory: Directory) -> None:
    inbox, randomly = Inbox(), random.Random(7)
    settings = yaml.safe_load(config(directory.data(), sending_queue=WAL))
    hook = {"url": inbox.url, "secret": SECRET, "check_interval": "100ms"}
    settings["exporters"]["clickhouse"]["idle_after"] = "1m"
    settings["extensions"]["webhook"] = {**hook, "retry_on_failure": {"initial_interval": "100ms"}}
    settings["service"]["extensions"].append("webhook")
    sent: defaultdict[str, int] = defaultdict(int)  # spans of each session
    for number in range(ROUNDS):
        running = directory.start(yaml.safe_dump(settings))
        for session in {f"new {number}", f"again {number % 5}"}:
            end = time.time_ns() - 2 * MINUTE
            running.send(request(span(start=end - MINUTE, end=end, attributes={"session.id": session})))
            sent[session] += 1
        inbox.status = randomly.choice([204, 204, 500])
        time.sleep(randomly.uniform(0.0, 1.0) if number % 2 else randomly.uniform(6.0, 7.5))
        running.kill()
    inbox.status = 204
    running = directory.start(yaml.safe_dump(settings))

    def counts() -> dict[str, int]:
        """The greatest number of spans that was told of each session."""
        told = [json.loads(body)["data"] for _, body in list(inbox.got)]
        return {
            each["session_id"]: max(one["span_count"] for one in told if one["session_id"] == each["session_id"])
            for each in told
        }

    wait_until(counts, 40, lambda found: found == sent)
    assert running.stop() == 0
    bodies: defaultdict[str, set[bytes]] = defaultdict(set)
    ids: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for headers, body in inbox.got:
        data = json.loads(body)["data"]
        bodies[headers["webhook-id"]].add(body)
        ids[data["session_id"], data["revision"]].add(headers["webhook-id"])
    assert {len(those) for those in bodies.values()} == {1}, "an id stands for two bodies"
    assert {len(those) for those in ids.values()} == {1}, "a revision has two ids"
    for session in sent:
        revisions = sorted(revision for told, revision in ids if told == session)
        assert revisions == list(range(1, len(revisions) + 1)), "a revision was never told of"
    inbox.close()
