# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions doctor`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import click

from otel_sessions.cli import options
from otel_sessions.cli.commands import Command
from otel_sessions.cli.options import loaded

CHECKS = ("service", "ports", "disk", "log", "clickhouse", "schema", "clock", "sessions", "ids", "prices")
State: TypeAlias = Literal["well", "note", "act"]
_MARKS: dict[State, str] = {"well": "ok", "note": "--", "act": "!!"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `act` needs doing, and `advice` says what, `note` is good to know."""

    check: str
    state: State
    message: str
    advice: str = ""


@click.command("doctor", cls=Command)
@click.option("--min-free", default="1GiB", metavar="SIZE", help="How much room the disks of the data need to have.")
@click.option(
    "--max-skew", default="2s", metavar="DURATION", help="How far the clock of ClickHouse may be from this one."
)
@click.option("--last", default="24h", metavar="DURATION", help="Look at what was stored within this time.")
@click.option("--skip", multiple=True, metavar="CHECK", help="Leave this check out; repeat it for several.")
@options.project
@options.as_json
@options.configuration
def doctor(  # noqa: PLR0917 - the command line names them
    min_free: str,
    max_skew: str,
    last: str,
    skip: tuple[str, ...],
    project: str,
    json_: bool,
    config: tuple[Path, ...],
    set_: tuple[str, ...],
) -> None:
    """Look the service and its data over, and say what to do; exit status 1 where something needs doing.

    Works beside a running service and without one, and changes nothing. Checks: service, ports, disk, log, clickhouse,
    schema, clock, sessions (traces without one), ids (that change every turn), prices (model calls without one).

    \b
    Examples:
      otel-sessions doctor
      otel-sessions doctor --config config.yaml --last 7d --json
      otel-sessions doctor --min-free 50GiB --skip ids
    """
    from otel_sessions.cli.doctor import data, machine  # noqa: PLC0415
    from otel_sessions.errors import hint  # noqa: PLC0415
    from otel_sessions.types import parse_duration, parse_size  # noqa: PLC0415

    left_out = frozenset(skip)
    if unknown := sorted(left_out.difference(CHECKS)):
        raise click.BadParameter(f"there is no check {unknown[0]!r}{hint(unknown[0], CHECKS)}", param_hint="--skip")
    settings = loaded(config, set_)
    free = _parsed(parse_size, min_free, "--min-free")
    limits = {
        "max_skew_s": _parsed(parse_duration, max_skew, "--max-skew"),
        "last_s": _parsed(parse_duration, last, "--last"),
    }
    examined = (machine.examine(settings, int(free)), data.examine(settings, project, time.time_ns, **limits))
    found = [each for part in examined for each in part if each.check not in left_out]
    well = not any(each.state == "act" for each in found)
    if json_:
        click.echo(json.dumps({"well": well, "findings": [asdict(each) for each in found]}, indent=2))
    else:
        click.echo("\n".join(_lines(found)))
    if not well:
        raise click.exceptions.Exit(1)


def _parsed(parse: Callable[[object], float], text: str, option: str) -> float:
    try:
        return parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def _lines(found: Sequence[Finding]) -> Iterator[str]:
    from otel_sessions.cli.render import plain  # noqa: PLC0415

    for each in found:
        yield f"{_MARKS[each.state]}  {each.check:<10}  {plain(each.message)}"
        if each.advice:
            yield f"{'':16}{plain(each.advice)}"
    count = sum(each.state == "act" for each in found)
    yield ""
    yield f"{count} of these {'needs' if count == 1 else 'need'} doing" if count else "all is well"
