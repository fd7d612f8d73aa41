"""`evaluation` and `sampling` over kills of the service: every revision is judged, and what is left is as decided."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from otel_sessions.testing.otlp import request, span
from tests.extensions.test_webhook import MINUTE
from tests.integration.running import WAL, Directory, Running, config, wait_until

ROUNDS = int(os.environ.get("HOOK_ROUNDS", "3"))  # more: make soak ARGS="--scene hooks --rounds 50"
JUDGE = """
import json, os
from otel_sessions.component import Factory, Settings
from otel_sessions.evaluators import Answer


class Config(Settings):
    file: str


class Judge:
    def __init__(self, id_, config, host):
        self._file = config.file

    def evaluate(self, session):
        spans = session.session["span_count"]
        with open(self._file, "a") as file:
            file.write(json.dumps([session.session_id, session.revision]) + "\\n")
        yield Answer("spans", spans)


factory = Factory("judge", Config, Judge, "Counts spans.")
"""


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an evaluator that services find as installed notes its calls, a line each."""
    installed = tmp_path / "plugins"
    facts = installed / "judge-1.dist-info"
    facts.mkdir(parents=True)
    (installed / "judge.py").write_text(JUDGE)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: judge\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[otel_sessions.evaluators]\njudge = judge:factory\n")
    before = [path for path in [os.environ.get("PYTHONPATH")] if path]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(installed), *before]))
    return tmp_path / "judged"


def settings(directory: Directory, judged: Path) -> str:
    found: Any = yaml.safe_load(config(directory.data(), sending_queue=WAL))
    found["exporters"]["clickhouse"]["idle_after"] = "1m"
    retry = {"initial_interval": "100ms"}
    found["extensions"]["evaluation"] = {
        "evaluator": "judge",
        "config": {"file": str(judged)},
        "check_interval": "250ms",
        "retry_on_failure": retry,
    }
    found["extensions"]["sampling"] = {"check_interval": "250ms", "rules": [{"query": "user:dropped", "keep": 0}]}
    found["service"]["extensions"] += ["evaluation", "sampling"]
    return yaml.safe_dump(found)


def calls(judged: Path) -> Counter[tuple[str, int]]:
    """How often each (session, revision) was judged; a line may be torn by a kill."""
    found: Counter[tuple[str, int]] = Counter()
    for line in judged.read_text().splitlines() if judged.exists() else []:
        session, revision = json.loads(line)
        found[session, revision] += 1
    return found


@pytest.mark.timeout(60 + 30 * ROUNDS)
def test_every_revision_is_judged_and_only_what_is_dropped_loses_its_content_over_kills(
    directory: Directory, judge: Path
) -> None:
    text, randomly = settings(directory, judge), random.Random(11)
    sent: defaultdict[str, int] = defaultdict(int)  # spans of each session

    def store(running: Running, session: str) -> None:
        end = time.time_ns() - 2 * MINUTE
        user = "dropped" if session.startswith("drop") else "kept"
        attributes = {"session.id": session, "user.id": user, "said": "something"}
        running.send(request(span(start=end - MINUTE, end=end, attributes=attributes)))
        sent[session] += 1

    for number in range(ROUNDS):
        running = directory.start(text)
        for session in (f"new {number}", f"drop {number}", f"again {number % 4}", f"drop again {number % 4}"):
            store(running, session)
        time.sleep(randomly.uniform(6.0, 8.5) if number % 3 == 1 else randomly.uniform(0.0, 1.5))
        running.kill()
    running = directory.start(text)
    scored = "SELECT SessionId, Value, SpanCount FROM session_scores INNER JOIN sessions USING (Project, SessionId)"
    wanted = sorted([session, spans, spans] for session, spans in sent.items())
    wait_until(lambda: sorted(running.sql(scored)), 60, lambda rows: rows == wanted)
    with_content = "SELECT DISTINCT SessionId FROM session_spans WHERE SpanAttributes['said'] = 'something'"
    kept = {session for session in sent if not session.startswith("drop")}
    wait_until(lambda: {id_ for (id_,) in running.sql(with_content)}, 60, lambda found: found == kept)
    content = "SELECT SessionId, count() FROM session_spans WHERE notEmpty(SpanAttributes) GROUP BY SessionId"
    assert dict(running.sql(content)) == {session: sent[session] for session in kept}, "a kept session is not whole"
    decided = "SELECT SessionId, count() FROM session_sampling GROUP BY SessionId"
    assert {each for _, each in running.sql(decided)} == {1}
    assert running.stop() == 0
    judged = calls(judge)
    for session in sent:
        revisions = sorted(revision for told, revision in judged if told == session)
        assert revisions == list(range(1, len(revisions) + 1)), "a revision was never judged"
    assert sum(judged.values()) <= len(judged) + ROUNDS * 4, "what was judged and stored is judged again"
