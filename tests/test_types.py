from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sessions.component import Settings
from otel_sessions.types import ByteSize, Duration, HostPort


class Sample(Settings):
    wait: Duration = 5.0
    room: ByteSize = 1024
    endpoint: HostPort = HostPort("127.0.0.1", 4317)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5s", 5),
        ("200ms", 0.2),
        ("1m30s", 90),
        ("1.5h", 5400),
        ("0", 0),
        ("100us", 1e-4),
        ("5d", 432_000),
        (2, 2),
        (0.5, 0.5),
    ],
)
def test_a_duration_is_read_as_go_writes_it_in_days_too_or_as_seconds(value: object, seconds: float) -> None:
    assert Sample.model_validate({"wait": value}).wait == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value",
    ["", "5", "5 s", "-5s", "s", "5w", -1, True, None, [], "nan", float("inf"), "\u0665s", 10**400, "9" * 400 + "s"],
)
def test_what_is_not_a_duration_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="write a duration as in 5s"):
        Sample.model_validate({"wait": value})


@pytest.mark.parametrize(
    ("value", "size"), [(7, 7), ("7", 7), ("64MiB", 64 << 20), ("10 GiB", 10 << 30), ("2kb", 2000), ("1.5KiB", 1536)]
)
def test_a_size_is_read_with_its_unit(value: object, size: int) -> None:
    assert Sample.model_validate({"room": value}).room == size


@pytest.mark.parametrize("value", ["", "MiB", "5 apples", -1, True, 1.5, None, "9" * 400 + "MiB"])
def test_what_is_not_a_size_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="write a size as in 64MiB"):
        Sample.model_validate({"room": value})


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:4317", HostPort("127.0.0.1", 4317)),
        ("localhost:0", HostPort("localhost", 0)),
        ("[::1]:4317", HostPort("::1", 4317)),
        (":4317", HostPort("0.0.0.0", 4317)),
    ],
)
def test_an_address_is_host_and_port(text: str, address: HostPort) -> None:
    assert Sample.model_validate({"endpoint": text}).endpoint == address
    assert HostPort.parse(str(address)) == address


@pytest.mark.parametrize("value", ["", "4317", "localhost", "::1:4317", "a:65536", "http://a:1", "a:1/x", 4317, None])
def test_what_is_not_an_address_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="write host:port"):
        Sample.model_validate({"endpoint": value})


def test_an_address_is_dumped_as_its_text() -> None:
    assert Sample().model_dump(mode="json")["endpoint"] == "127.0.0.1:4317"


@given(st.text())
def test_any_text_is_read_or_refused_as_a_value_error(text: str) -> None:
    for field in ("wait", "room", "endpoint"):
        with suppress(ValueError):
            Sample.model_validate({field: text})
