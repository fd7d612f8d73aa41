"""`auth` names an authenticator that runs; anything else is a fault where it stands."""

from __future__ import annotations

import pytest

from otel_sessions.config import load
from otel_sessions.errors import ConfigError

TOKEN = "extensions.bearertokenauth={token: abc}"
RUNNING = "service.extensions=[bearertokenauth]"
PLACE = "receivers.otlp.protocols.{}.auth"


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize(
    ("sets", "id_", "message"),
    [
        ((), "bearertokenauth", "'bearertokenauth' is not configured under `extensions`; there are: clickhouse_http, "),
        ((TOKEN, RUNNING), "bearertokenaut", "'bearertokenaut' is not configured under `extensions`; did you mean "),
        ((TOKEN,), "bearertokenauth", "'bearertokenauth' does not run; name it in `service.extensions` too"),
        ((), "health_check", "'health_check' is no authenticator; basicauth and bearertokenauth are"),
        ((), "5", "write the id of an extension"),
        ((), "a b", "'a b' is not a component id"),
    ],
)
def test_a_wrong_reference_is_a_fault_with_its_path(
    protocol: str, sets: tuple[str, ...], id_: str, message: str
) -> None:
    place = PLACE.format(protocol)
    with pytest.raises(ConfigError) as caught:
        load([], [*sets, f"{place}.authenticator={id_}"])
    [fault] = caught.value.faults
    assert fault.path == f"{place}.authenticator"
    assert fault.message.startswith(message)


def test_an_authenticator_with_faults_of_its_own_is_no_second_fault() -> None:
    with pytest.raises(ConfigError) as caught:
        load([], ["extensions.bearertokenauth=", RUNNING, f"{PLACE.format('grpc')}.authenticator=bearertokenauth"])
    assert [fault.path for fault in caught.value.faults] == ["extensions.bearertokenauth"]


def test_one_that_runs_may_be_named_by_both_protocols() -> None:
    named = [f"{PLACE.format(protocol)}.authenticator=bearertokenauth/x" for protocol in ("grpc", "http")]
    load([], ["extensions.bearertokenauth/x={token: abc}", "service.extensions=[bearertokenauth/x]", *named])
