"""Nothing is lost and nothing counts twice, whatever the order of requests, faults, crashes and starts."""

from __future__ import annotations

import itertools
from concurrent.futures import Future
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from otel_sessions.clickhouse.client import Endpoint
from otel_sessions.component import Outcome, Request
from otel_sessions.testing.oracle import Identity, OracleSpan
from tests.examples import examples
from tests.integration.delivery import Receiver, body, span_sets
from tests.integration.lives import Life, Mode
from tests.soak.truth import differences

CHOICE = st.lists(st.integers(0, 40), min_size=1, max_size=8, unique=True)
"""Which spans a request has, by number."""
ANSWER_S = 60.0


class Crashes(RuleBasedStateMachine):
    """A sender, a service, and a ClickHouse that fails now and then."""

    def __init__(self, client: Client, endpoint: str, directory: Path) -> None:
        super().__init__()
        self._client = client
        self._endpoint = endpoint
        self._logs = (directory / str(number) for number in itertools.count())
        self._requests: list[list[OracleSpan]] = []
        self._sent: dict[Identity, OracleSpan] = {}
        self._acked: set[Identity] = set()
        self._life: Life | None = None

    @initialize(spans=span_sets())
    def begin(self, spans: list[OracleSpan]) -> None:
        self._spans = spans
        self._project = spans[0].project
        self._life = Life(self._endpoint, next(self._logs))

    @rule(numbers=CHOICE)
    def send(self, numbers: list[int]) -> None:
        """Any spans: new ones, or some that were sent before, in other company."""
        self._deliver(self._chosen(numbers))

    @rule(number=st.integers(0, 40))
    def send_late(self, number: int) -> None:
        """A trace whose best claim comes last."""
        trace = self._spans[number % len(self._spans)].trace_id
        spans = sorted((span for span in self._spans if span.trace_id == trace), key=lambda span: span.claim)
        for part in filter(None, (spans[1:], spans[:1])):
            self._deliver(part)

    @precondition(lambda self: self._requests)
    @rule(number=st.integers(0, 100))
    def send_again(self, number: int) -> None:
        self._deliver(self._requests[number % len(self._requests)])

    @rule(mode=st.sampled_from(["before", "part", "after", "well"]))
    def fail(self, mode: Mode) -> None:
        self._life.exporter.mode = mode

    @rule()
    def drain(self) -> None:
        self._life.drain()

    @rule(numbers=CHOICE)
    def attribute(self, numbers: list[int]) -> None:
        """Another receiver looks after some traces."""
        Receiver(self._client, self._project).attribute(self._chosen(numbers))

    @rule(under_way=st.lists(CHOICE, max_size=2), drained=st.booleans())
    def crash(self, under_way: list[list[int]], drained: bool) -> None:
        """With requests under way: their senders do not know what became of them, and some come back.

        What was stored before has not been attributed.
        """
        if drained:
            self._life.drain()
        groups = [self._chosen(numbers) for numbers in under_way]
        answers = [self._begun(group) for group in groups]
        for group in [group for answer, group in zip(answers, groups, strict=True) if answer.done()]:
            self._note(group)
        log = next(self._logs)
        self._life.crash(log)
        self._life = Life(self._endpoint, log)

    @rule()
    def restart(self) -> None:
        self._life.stop()
        self._life = Life(self._endpoint, self._life.log)

    def teardown(self) -> None:
        if self._life is None:
            return
        self._life.drain()
        self._life.stop()
        Life(self._endpoint, self._life.log).stop()  # what a crash has left unattributed
        found = differences(self._rows, self._sent, self._acked, f"Project = '{self._project}'")
        assert not found, "\n".join(found)

    def _chosen(self, numbers: list[int]) -> list[OracleSpan]:
        return list({(span := self._spans[number % len(self._spans)]).identity: span for number in numbers}.values())

    def _begun(self, spans: list[OracleSpan]) -> Future[Outcome]:
        self._requests.append(spans)
        self._sent.update((span.identity, span) for span in spans)
        return self._life.send(Request(body(spans), self._project))

    def _deliver(self, spans: list[OracleSpan]) -> None:
        assert self._begun(spans).result(ANSWER_S).accepted_spans in (0, len(spans))
        self._note(spans)

    def _note(self, spans: list[OracleSpan]) -> None:
        self._acked.update(span.identity for span in spans)

    def _rows(self, query: str) -> list[list[object]]:
        return [list(row) for row in self._client.query(query).result_rows]


@pytest.mark.timeout(300)
def test_crashes_faults_and_repetitions_change_no_session(
    otel_client: Client, chdb_endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def machine() -> Crashes:
        return Crashes(otel_client, str(chdb_endpoint), tmp_path_factory.mktemp("logs"))

    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    limits = settings(max_examples=examples(4), stateful_step_count=14, deadline=None, suppress_health_check=checks)
    run_state_machine_as_test(machine, settings=limits)
