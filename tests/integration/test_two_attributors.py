"""Two receivers correct one trace at once: whichever ends last, what was made of all of its spans is in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
from clickhouse_connect.driver.client import Client

from otel_sessions.sessions import attribution, deletion
from otel_sessions.testing.oracle import OracleSpan, assign, figures
from tests.integration.delivery import EPOCH, Receiver, new_project
from tests.integration.test_attribution import read_figures, read_members

STEPS: Final = {
    "mark": "HAVING max(t.IsDoubtful) = 0",
    "copy": "INTO _corrected_spans",
    "correct": "INTO _corrections",
    "figures": "INTO _session_turns",
    "in force": "INTO _corrected_turns",
}
"""What tells the statements of a correction, in their order."""
LATE: Final = "late"
"""When a correction was worked out, and is not stored yet."""
Meanwhile = Mapping[str, Callable[[], None]]
_whole = attribution._run


def attribute(receiver: Receiver, span: OracleSpan, meanwhile: Meanwhile) -> None:
    """A round over the trace of a span; before each of its steps that is given there, others act once."""
    left = dict(meanwhile)

    def act(name: str) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(attribution, "_run", _whole)
            left.pop(name, lambda: None)()

    def run(client: Client, sql: str, *more: Any) -> None:
        (name,) = (name for name, text in STEPS.items() if text in sql)
        act(name)
        if name == "correct" and LATE in left:
            client.command("CREATE OR REPLACE TABLE held_back AS _corrections ENGINE = Memory")
            _whole(client, sql.replace("INTO _corrections\n", "INTO held_back\n", 1), *more)
            rows = client.raw_query("SELECT * FROM held_back", fmt="Native")
            act(LATE)
            client.raw_insert("_corrections", insert_block=rows, fmt="Native")
        else:
            _whole(client, sql, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attribution, "_run", run)
        receiver.attribute([span])


def check(client: Client, *spans: OracleSpan) -> None:
    """Nobody looks any more: what is in force is what the rule says."""
    assert read_figures(client, spans[0].project) == figures(spans)
    assert read_members(client, spans[0].project) == {
        identity: session for identity, session in assign(spans).items() if session is not None
    }


def span_of(project: str, number: int, level: int = 9, session: str = "", *, start: int = 0) -> OracleSpan:
    """The root is the first of them."""
    start += EPOCH + number
    return OracleSpan(
        project, f"{1:032x}", f"{number:016x}", number == 1, start, start + 9, level, session, input_tokens=10**number
    )


@pytest.mark.remote_too(first_case=True)
@pytest.mark.parametrize("step", ["correct", LATE, "in force"])
@pytest.mark.parametrize("is_apart", [True, False], ids=["kept apart before", "stored where the better claim is"])
def test_sessions_that_a_later_span_takes_all_of_keep_nothing_of_the_trace(
    otel_client: Client, step: str, is_apart: bool
) -> None:
    """The first receiver gives sessions parts of the trace, of which the second knows only that spans claim them."""
    project = new_project()
    first, second, knowing = (Receiver(otel_client, project) for _ in range(3))
    root, child = span_of(project, 1, 1, "all"), span_of(project, 4)
    others = [span_of(project, 2, 2 if is_apart else 3, "one"), span_of(project, 3, 2 if is_apart else 4, "two")]
    if not is_apart:
        knowing.expect([root])
    knowing.take([[*others]])
    knowing.restart()
    knowing.take([[child]])

    def overtake() -> None:
        second.take([[root]])
        second.attribute([root])

    attribute(first, child, {step: overtake})
    check(otel_client, root, child, *others)


@pytest.mark.remote_too(first_case=True)
@pytest.mark.parametrize("level", [1, 4])
def test_two_corrections_of_as_many_rows_but_not_the_same_ones_give_way_to_that_of_all(
    otel_client: Client, level: int
) -> None:
    project = new_project()
    first, second, third, knowing = (Receiver(otel_client, project) for _ in range(4))
    child, claimed = span_of(project, 2), span_of(project, 3, 3, "one")
    near, far = span_of(project, 4, level, "near", start=-2), span_of(project, 1, 2, "far", start=-9)
    knowing.expect([near])
    knowing.take([[claimed]])
    first.take([[child]])

    def store_near() -> None:
        third.take([[near]])

    def store_far() -> None:
        second.take([[far]])
        attribute(second, far, {LATE: store_near})

    attribute(first, claimed, {"copy": store_far, LATE: lambda: third.attribute([near])})
    check(otel_client, child, claimed, near, far)


DELETED: Final = {
    "of a trace that is its own": (3, False),
    "of a trace that it shares": (1, True),
}
"""The level at which another session claims a span, and whether that of the deleted one is there before."""


@pytest.mark.remote_too(first_case=True)
@pytest.mark.parametrize(("level", "is_first"), DELETED.values(), ids=DELETED)
def test_a_session_that_is_deleted_while_its_trace_is_corrected_stays_away(
    otel_client: Client, level: int, is_first: bool
) -> None:
    """What is stored late was worked out of more spans than there are left."""
    project = new_project()
    first, second = Receiver(otel_client, project), Receiver(otel_client, project)
    child, other = span_of(project, 2), span_of(project, 3, level, "other")
    root = span_of(project, 1, 1, "gone")
    spans = [child, other, root]
    for number, span in enumerate(spans[: 3 if is_first else 2]):
        first.restart()
        first.take([[span]] * (1 + (number == 0)))

    def delete() -> None:
        if not is_first:
            second.take([[root]])
            second.attribute([root])
        assert deletion.delete(otel_client, [(project, "gone")]) == 1

    attribute(first, child, {LATE: delete})
    sessions = assign(spans)
    left = [span for span in spans if sessions[span.identity] == "other"]
    assert read_figures(otel_client, project) == (figures(left) if left else {})
    assert read_members(otel_client, project) == {span.identity: "other" for span in left}
