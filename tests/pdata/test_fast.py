"""The compiled decoder, held against the reference decoder, which it must equal in everything."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_sessions.errors import TooLarge
from otel_sessions.pdata import SpanBatch, fast, otlp, wire
from otel_sessions.pdata.attributes import Named
from otel_sessions.pdata.values import double_as_text
from otel_sessions.testing.otlp import event, link, request, resource_spans, span
from tests.examples import examples
from tests.pdata.test_otlp import REQUESTS

pytestmark = pytest.mark.skipif(fast.decoder() != "compiled", reason="there is no compiled decoder")

thorough = settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))


def assert_same(*bodies: bytes, taken: bool | None = None) -> otlp.Decoded:
    """Both decoders say the same of these requests; `taken` is whether the compiled one is to take them all itself."""
    projects = [f"project-{number}" for number in range(len(bodies))]
    wanted, found = otlp.decode(bodies, projects), fast.decode(bodies, projects)
    found.batch.record.validate(full=True)
    assert found.batch.record.equals(wanted.batch.record)
    assert_named(found.batch)
    assert [_said(result) for result in found.results] == [_said(result) for result in wanted.results]
    assert [_said(result) for result in fast.check(bodies).results] == [_said(result) for result in wanted.results]
    if taken is not None:
        assert all(understood(bodies)) == taken
    assert_checked_as_scanned(bodies)
    return found


def assert_named(batch: SpanBatch) -> None:
    """The attributes by name are what they are when found in the column."""
    ours, wanted = batch.named("SpanAttributes"), Named.of(batch["SpanAttributes"])
    names, places = ours.names.to_pylist(), ours.places.tolist()
    assert len(set(names)) == len(names)
    assert [names[code] for code in ours.codes.tolist()] == wanted.names.take(pa.array(wanted.codes)).to_pylist()
    assert ours.offsets.tolist() == wanted.offsets.tolist()
    assert ours.values.equals(wanted.values)
    assert ours.codes[places].tolist() == np.repeat(np.arange(len(names)), np.diff(ours.ends)).tolist()
    assert [places[begin:end] for begin, end in pairwise(ours.ends.tolist())] == [
        np.flatnonzero(ours.codes == code).tolist() for code in range(len(names))
    ]
    assert ours.rows.tolist() == ours.rows_of(ours.places).tolist()


def assert_checked_as_scanned(bodies: Sequence[bytes]) -> None:
    """A check says of a request what a scan says, counts a key twice that is there twice, and may understand more."""
    columns, checked = wire.scan(bodies, otlp.MAX_SHARED_BYTES), wire.check(bodies, otlp.MAX_SHARED_BYTES)
    assert columns is not None
    assert checked is not None
    for ours, scanned in zip(checked, columns.results(), strict=True):
        if scanned.understood:
            assert ours._replace(attributes=0, longest=0) == scanned._replace(attributes=0)
            assert ours.attributes >= scanned.attributes
    said = [_said(result) for result in fast.check(bodies).results]
    assert said == [_said(result) for result in fast.decode(bodies, ["p"] * len(bodies)).results]


def _said(result: otlp.RequestResult) -> tuple[object, ...]:
    error = result.error
    return (result.accepted_spans, result.rejected_spans, result.message, str(error), type(error and error.__cause__))


def understood(bodies: Sequence[bytes]) -> list[bool]:
    """Which of the requests the scanner takes, and does not leave to the reference decoder."""
    columns = wire.scan(bodies, otlp.MAX_SHARED_BYTES)
    assert columns is not None
    return [bool(result.understood) for result in columns.results()]


def body(message: ExportTraceServiceRequest) -> bytes:
    return message.SerializeToString()


# --- what is taken, and what is left to the reference decoder ---

ORDINARY = request(
    *[
        span(
            f"chat {number}",
            attributes={
                "session.id": "s-1",
                "n": number,
                "cost": 0.25 * number,
                "share": 1 / (number + 3),
                "ok": True,
                "é": "\U0001f600",
                "list": ["a", "b"],
                "map": {"k": [1, None, 2.5]},
                "raw": b"\xff\x00",
                "none": None,
            },
            events=[event("exception", attributes={"exception.message": "boom", "n": 1})] * (number % 3),
            links=[link("0d" * 16, "0e" * 8, attributes={"l": ["x"]}, trace_state="a=b", flags=1)] * (number % 2),
            status="Error",
            message="boom",
        )
        for number in range(5)
    ],
    resource={"service.name": "shop", "process.command_args": ["python", "-m", "app"]},
    scope=("lib", "1"),
    scope_attributes={"a": 1},
)


def test_ordinary_requests_are_taken() -> None:
    assert_same(body(ORDINARY), body(request(span())), b"", taken=True)


def test_requests_with_rejected_spans_are_taken() -> None:
    bad = {"attributes": {"a": ["x"]}, "events": [event("e", attributes={"k": ["v"]})], "links": [link("00", "00")]}
    spans = [span(), span(trace_id=b"x", **bad), span(span_id=b"", **bad), span(parent=b"\x01", **bad), span()]
    assert assert_same(body(request(*spans)), taken=True).results[0].rejected_spans == 3


def test_a_key_twice_is_taken() -> None:
    pairs = [("a", "1"), ("b", ["x"]), ("a", ["2"]), ("b", "y"), ("", "empty key"), ("service.name", "x")]
    assert_same(body(request(span(attributes=pairs), resource=dict(pairs))), taken=True)


@pytest.mark.parametrize("count", [15, 16, 17, 1000, 20_000])
def test_many_attributes_are_taken(count: int) -> None:
    pairs: list[tuple[str, Any]] = [(f"key.{number % (count - 3)}", number) for number in range(count)]
    assert_same(body(request(span(attributes=pairs), span(attributes=pairs[:3]))), taken=True)


@pytest.mark.parametrize(("count", "numbered"), [(4095, True), (4096, True), (4097, False), (10_000, False)])
def test_so_many_names_are_known_by_number_and_more_are_the_same(count: int, numbered: bool) -> None:
    keys = [f"key.{number}" for number in range(count - 1)]
    spans = [span("a", attributes={"a": 1, **dict.fromkeys(part, 1)}) for part in (keys[:100], keys, keys[-100:])]
    assert_same(body(request(*spans)), _twice("a"), _twice(keys[-1]), taken=True)
    columns = wire.scan([body(request(*spans))], otlp.MAX_SHARED_BYTES)
    assert columns is not None
    assert (columns.named(columns.text("span_values")) is not None) == numbered


def test_keys_of_one_hash_are_the_same_and_leave_the_requests_beside_them() -> None:
    keys = _of_one_hash(200)
    attacks = [body(request(span(attributes=dict.fromkeys(part, "v")))) for part in (keys[:40], keys[30:70], keys)]
    twice = _twice(keys[10]), _twice(keys[199])
    assert_same(*attacks, *twice, body(ORDINARY))
    assert understood([*attacks[:2], *twice, body(ORDINARY)]) == [True] * 5
    assert understood([attacks[2]]) == [False]


def _twice(key: str) -> bytes:
    spans = [span("a", attributes={"before": 1}), span("b", attributes={key: 1, "between": 2})]
    pair = _field(9, _field(1, key.encode()) + _field(2, _field(1, b"last")))
    inner = b"".join(_field(2, body_of(each) + pair + pair) for each in spans)
    return _field(1, _field(2, inner))


def _of_one_hash(count: int) -> list[str]:
    """Keys that begin at one place of every table of up to 2^16 slots; the hash, in `_wire.c`, has no secret."""
    one, other, mask = 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 2**64 - 1
    found: list[str] = []
    for low in range(2**24):
        wanted = low << 16  # after the last multiplication; all before it can be undone
        at = ((wanted ^ wanted >> 33) * pow(other, -1, 2**64)) & mask
        at ^= at >> 32
        text = ((at * pow(one, -1, 2**64)) & mask ^ (8 * 0x9E3779B97F4A7C15 & mask)).to_bytes(8, "little")
        if text.isascii():
            found.append(text.decode())
            if len(found) == count:
                return found
    raise AssertionError("no such keys")


def test_unknown_fields_are_skipped_and_groups_are_left() -> None:
    sample = body(request(span("a")))
    assert_same(sample + b"\xf2\x3f\x03new", taken=True)
    assert_same(sample + b"\xf0\x3f\x81\x01" + b"\xf1\x3f12345678" + b"\xf5\x3f1234", taken=True)
    assert_same(sample + b"\xf3\x3f\x08\x01\xf4\x3f", taken=False)
    # A known number with another wire type is an unknown field.
    assert_same(_field(1, _field(2, _field(2, body_of(span("a")) + b"\x28\x07\x3a\x01x"))), taken=True)


def body_of(message: Any) -> bytes:
    return bytes(message.SerializeToString())


def test_order_of_fields_does_not_matter() -> None:
    group = ORDINARY.resource_spans[0]
    scopes = b"".join(_field(2, scope.SerializeToString()) for scope in group.scope_spans)
    late = scopes + _field(3, b"url") + _field(1, group.resource.SerializeToString()) + _field(3, b"last url")
    assert_same(_field(1, late), taken=True)


@pytest.mark.parametrize("number", [1, 2, 15])
def test_messages_that_protobuf_merges_are_left(number: int) -> None:
    sample = span("a", status="Error", message="m")
    twice = {
        1: lambda: _field(1, _field(1, _resource("a")) * 2 + _field(2, _field(2, body_of(sample)))),
        2: lambda: _field(1, _field(2, _field(1, _field(1, b"scope")) * 2 + _field(2, body_of(sample)))),
        15: lambda: _field(1, _field(2, _field(2, body_of(sample) + _field(15, b"\x18\x01")))),
    }[number]()
    assert_same(twice, taken=False)


def _resource(key: str) -> bytes:
    return _field(1, _field(1, key.encode()) + _field(2, _field(1, b"v")))


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        (b"", True),
        (b"\x0a\x00", True),
        (b"\x10\x02", True),
        (b"\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", True),
        (b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", True),
        (b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", False),
        (b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", False),
        (b"\x18\x01\x0a\x01x", False),  # two members of the oneof
        (b"\x2a\x00\x2a\x00", False),
        (b"\x40\x01", False),  # string_value_strindex
        (b"\x2a\x03\x0a\x01\xff", False),
        (b"\x32\x04\x0a\x02\x0a\x05", False),
        (b"\x3a\x02\xff\xfe", True),
        (b"\x2a\x00", True),
        (b"\x32\x00", True),
    ],
)
def test_values_as_they_stand_on_the_wire(value: bytes, taken: bool) -> None:
    pair = _field(9, _field(1, b"k") + _field(2, value))
    assert_same(_field(1, _field(2, _field(2, body_of(span("a")) + pair))), taken=taken)


@pytest.mark.parametrize("depth", [15, 16, 17, 45, 60, 2000])
def test_values_nested_deep_are_left(depth: int) -> None:
    value = _field(1, b"x")
    for _ in range(depth):
        value = _field(5, _field(1, value))
    pair = _field(9, _field(1, b"deep") + _field(2, value))
    assert_same(_field(1, _field(2, _field(2, body_of(span("a")) + pair))), taken=depth <= 16)


UTF8 = [
    (b"\xc2\x80", True),
    (b"\xdf\xbf", True),
    (b"\xe0\xa0\x80", True),
    (b"\xed\x9f\xbf", True),
    (b"\xee\x80\x80", True),
    (b"\xef\xbf\xbf", True),
    (b"\xf0\x90\x80\x80", True),
    (b"\xf4\x8f\xbf\xbf", True),
    (b"\x00", True),
    (b"\xc0\x80", False),
    (b"\xc1\xbf", False),
    (b"\xe0\x9f\xbf", False),
    (b"\xed\xa0\x80", False),
    (b"\xed\xbf\xbf", False),
    (b"\xf0\x8f\xbf\xbf", False),
    (b"\xf4\x90\x80\x80", False),
    (b"\xf5\x80\x80\x80", False),
    (b"\x80", False),
    (b"\xc3", False),
    (b"\xe2\x82", False),
    (b"\xf0\x9f\x98", False),
    (b"\xc3\x28", False),
    (b"\xe2\x28\xa1", False),
    (b"\xf0\x9f\x28\x8c", False),
]


@pytest.mark.parametrize(("text", "valid"), UTF8)
@pytest.mark.parametrize("around", [b"", b"abcdefg", b"abcdefgh"])
def test_text_that_is_not_utf8_is_left(text: bytes, valid: bool, around: bytes) -> None:
    mark = "M" * len(around + text + around)
    sample = body(
        request(
            span(mark, attributes={"a": mark}, events=[event(mark)], links=[link("00", "00", trace_state=mark)]),
            scope=(mark, ""),
        )
    )
    places = [at for at in range(len(sample)) if sample.startswith(mark.encode(), at)] if len(mark) > 3 else []
    for at in places or [sample.index(mark.encode())]:
        spoiled = sample[:at] + around + text + around + sample[at + len(mark) :]
        assert_same(sample, spoiled, sample)
        assert understood([spoiled]) == [valid]


def test_every_two_bytes_are_utf8_or_not_as_python_says() -> None:
    sample = body(request(span("MMMM")))
    at = sample.index(b"MMMM")
    texts = [bytes(pair) + tail for pair in _pairs() for tail in (b"xx", b"\x80x", b"\x80\x80")]
    bodies = [sample[:at] + text + sample[at + 4 :] for text in texts]
    assert understood(bodies) == [_is_utf8(text) for text in texts]


def _pairs() -> Iterator[tuple[int, int]]:
    return ((first, second) for first in range(256) for second in range(0, 256, 8 if first < 0x80 else 1))


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def test_left_requests_stand_between_the_others_in_order() -> None:
    left = body(request(span("NAME"), span("b"), resource={"a": 1})).replace(b"NAME", b"\xff\xff\xff\xff")
    answer = assert_same(left, body(ORDINARY), b"garbage", left, left, b"", body(request(span("last"))), left)
    assert understood([left, body(ORDINARY)]) == [False, True]
    assert answer.batch["Request"].to_pylist() == [0] * 2 + [1] * 5 + [3] * 2 + [4] * 2 + [6] + [7] * 2


# --- arrays ---


def test_arrays_of_any_text_are_the_same() -> None:
    characters = [*range(0x300), *range(0x1FFE, 0x2100), 0xD7FF, 0xE000, 0xE2A8, 0xFFFD, 0xFFFF, 0x10000, 0x10FFFF]
    texts = ["", *map(chr, characters), "".join(map(chr, characters)), "plain", '"quoted"', "a\u2028", "\u2029b<"]
    assert_same(body(request(span(attributes={"all": list(texts), "one": "<"}))), taken=True)


@pytest.mark.parametrize(
    "array",
    [
        [],
        [[]],
        [[], [[1], ["a", [None]]], []],
        [1, -(2**63), True, False, None, "", 0.0, -0.0, 1.5, 1e21, 1e-7],
        ["before", math.nan],
        ["before", [math.inf]],
        ["before", {"a": 1}],
        ["before", [b"x"]],
        ["before", 5e-324],
    ],
    ids=str,
)
def test_arrays_are_the_same_also_where_their_members_are_left_to_python(array: Any) -> None:
    attributes = {"before": "b", "array": array, "after": "a"}
    assert_same(body(request(span(attributes=attributes), resource={"service.name": array})), taken=True)


# --- doubles ---


def _double_texts(numbers: Sequence[float]) -> list[str]:
    message = request(span(attributes={str(at): number for at, number in enumerate(numbers)}))
    decoded = fast.decode([body(message)], ["p"])
    return [text for _, text in decoded.batch["SpanAttributes"].to_pylist()[0]]


EDGES = [0.0, -0.0, 5e-324, 2.2250738585072014e-308, 1e21, 1e22, 123456789e15, 1e-6, 1e-7, 9.999999999999999e-7]
EDGES += [1.5e-7, -1.5e300, 0.1, 1 / 3, 2 / 3, 9007199254740991.0, 9007199254740992.0, 9007199254740993.0, 1e16, 1e17]
EDGES += [math.nan, math.inf, -math.inf, 1.7976931348623157e308, 100.0, 1e20, 9.999999999999999e20, 12345.678, -0.5]


def test_doubles_are_the_text_of_the_reference() -> None:
    powers = [sign * 2.0**power for power in range(-1074, 1024) for sign in (1, -1)]
    near = [math.nextafter(number, target) for number in powers for target in (-math.inf, math.inf)]
    tens = [float(f"{digits}e{power}") for power in range(-320, 308) for digits in ("1", "-1.5", "9.99", "123456789")]
    numbers = [*EDGES, *powers, *near, *tens]
    assert _double_texts(numbers) == [double_as_text(number) for number in numbers]


@thorough
@given(
    st.lists(st.floats() | st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("d", struct.pack("Q", bits))[0]))
)
def test_any_double_is_the_text_of_the_reference(numbers: list[float]) -> None:
    assert _double_texts(numbers) == [double_as_text(number) for number in numbers]


# --- everything at once ---


@thorough
@given(st.lists(REQUESTS, max_size=4))
def test_any_requests_are_the_same(messages: list[ExportTraceServiceRequest]) -> None:
    assert_same(*map(body, messages), b"".join(map(body, messages)), taken=True)


@settings(thorough, max_examples=examples(60))
@given(st.lists(REQUESTS, min_size=1, max_size=2), st.randoms(use_true_random=False), st.integers(1, 6))
def test_mutated_requests_are_the_same(
    messages: list[ExportTraceServiceRequest], rng: random.Random, changes: int
) -> None:
    bodies = [body(message) for message in messages]
    assert_same(body(ORDINARY), *(mutated(each, rng, changes) for each in bodies), *bodies)


@settings(thorough, max_examples=examples(60))
@given(st.randoms(use_true_random=False), st.integers(1, 6))
def test_an_ordinary_request_mutated_is_the_same(rng: random.Random, changes: int) -> None:
    good = body(ORDINARY)
    assert_same(mutated(good, rng, changes), good, mutated(good, rng, 1))


@settings(thorough, max_examples=examples(60))
@given(st.lists(st.binary(max_size=100), max_size=4))
def test_random_bytes_are_the_same(bodies: list[bytes]) -> None:
    assert_same(*bodies)


def test_every_truncation_is_the_same() -> None:
    sample = body(ORDINARY)
    assert_same(*(sample[:end] for end in range(0, len(sample), 7)))


def mutated(sample: bytes, rng: random.Random, changes: int) -> bytes:
    """The request with some bytes changed, inserted, removed, doubled, or with bits flipped."""
    result = bytearray(sample)
    for _ in range(changes):
        at = rng.randrange(len(result) + 1)
        match rng.randrange(5):
            case 0:
                result[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
            case 1 if at < len(result):
                result[at] ^= 1 << rng.randrange(8)
            case 2:
                result[at:at] = result[at : at + rng.randrange(40)]
            case 3:
                del result[at : at + rng.randrange(40)]
            case _:
                result[at:at] = rng.choice([b"\xff" * 9, b"\x80", b"\x0a\x00", b"\x12\x00", b"\x0b\x0c", b"\xc3"])
    return bytes(result)


# --- bounds ---


def test_the_reference_decoder_can_be_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(wire.FORCE, "reference")
    monkeypatch.setattr(wire, "scanner", wire.scanner.__wrapped__)
    assert fast.decoder() == "reference"
    assert len(fast.decode([body(ORDINARY)], ["p"]).batch) == 5


def test_threads_decode_at_the_same_time() -> None:
    bodies = [body(ORDINARY), body(request(span("other")))] * 20
    wanted = otlp.decode(bodies, ["p"] * 40).batch.record
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: fast.decode(bodies, ["p"] * 40).batch.record, range(200)))
    assert all(record.equals(wanted) for record in found)


def test_the_bound_of_shared_bytes_is_that_of_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    large = body(request(*[span() for _ in range(20)], resource={"k": "x" * 1000}))
    message = ExportTraceServiceRequest.FromString(large)
    for bound in (otlp.shared_bytes(message) + more for more in (-1, 0, 1)):
        monkeypatch.setattr(otlp, "MAX_SHARED_BYTES", bound)
        assert_same(large, body(request(span())))


def test_the_bound_of_a_batch_is_that_of_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = body(request(*[span() for _ in range(20)], resource={"k": "x" * 1000}))
    shared = otlp.shared_bytes(ExportTraceServiceRequest.FromString(sample))
    monkeypatch.setattr(otlp, "_MAX_COLUMN_BYTES", shared * 12)
    assert_same(sample, sample)
    monkeypatch.setattr(otlp, "_MAX_COLUMN_BYTES", shared * 12 - 1)
    for decode in (otlp.decode, fast.decode):
        with pytest.raises(TooLarge):
            decode([sample, sample], ["p", "q"])


def test_requests_and_projects_are_as_many() -> None:
    for decode in (otlp.decode, fast.decode):
        with pytest.raises(ValueError):  # noqa: PT011 - both say it in their way
            decode([b""], [])


def test_columns_outlive_the_batch_they_came_in() -> None:
    names = fast.decode([body(ORDINARY)], ["p"]).batch["SpanName"].slice(1, 2)
    for _ in range(50):
        fast.decode([body(ORDINARY)] * 5, ["p"] * 5)
    assert names.to_pylist() == ["chat 1", "chat 2"]


def test_many_groups_are_the_same() -> None:
    groups = [
        resource_spans(*[span(f"{g}.{s}") for s in range(g % 3)], resource={"service.name": f"s{g}", "g": g})
        for g in range(50)
    ]
    assert_same(body(ExportTraceServiceRequest(resource_spans=groups)), taken=True)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


@pytest.mark.parametrize("scanner", ["compiled", "reference"])
def test_a_check_names_the_keys_of_long_values_of_spans_and_resources(
    scanner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if scanner == "reference":
        monkeypatch.setattr(wire, "scanner", lambda: None)
    spans = [
        span(
            attributes={"long": "x" * 101, "short": "y", "number": 7}, events=[event("e", attributes={"e": "z" * 200})]
        )
    ]
    bodies = [body(request(*spans)), body(request(span(), resource={"service.name": "s", "resource.long": "x" * 150}))]
    checked = fast.check(bodies, 100)
    assert checked.long_keys == {"long", "resource.long"}
    assert [result.accepted_spans for result in checked.results] == [1, 1]
    assert (checked.attributes, checked.events, checked.links) == (3, 1, 0)
    assert fast.check(bodies).long_keys == set()
