# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions demo`."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
import webbrowser
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from otel_sessions.cli.commands import Command
from otel_sessions.cli.options import loaded
from otel_sessions.errors import Permanent

if TYPE_CHECKING:
    from rich.console import Console

    from otel_sessions.config import Config
    from otel_sessions.demo import Tally
    from otel_sessions.queries.rows import Row


SCENARIO_NAMES = ("chat", "long", "agent", "media", "errors", "outlier")
"""What the application does; `otel_sessions.demo` has one of each name."""
_COMPLETE_WITHIN_S = 20.0
_LISTED = 8
"""Sessions that are printed."""
_TURNS = 8
"""Turns that are printed of the session that is shown."""


@click.command("demo", cls=Command)
@click.option("--once", is_flag=True, help="Exit when all is shown, instead of serving until Ctrl-C.")
@click.option(
    "--scenario",
    type=click.Choice(SCENARIO_NAMES),
    multiple=True,
    default=["chat"],
    help="What is sent; may be given several times, the first is opened.",
)
@click.option("--open", "open_", is_flag=True, help="Open the page of a session in a browser, on a terminal.")
def demo(once: bool, scenario: tuple[str, ...], open_: bool) -> None:
    """Start the service, send it sessions as an application would, and show what ClickHouse makes of them.

    The data stay in ./otel-sessions-data; run it again and there are more. A default port that is taken is replaced by
    a free one. No network but this machine's is used, and no model.

    \b
    What --scenario sends:
      chat     customers of a shop, over two services (the default)
      long     one session of 240 turns, with breaks and a history that is cut
      agent    four agents with hand-overs, tools at once, reasoning and code
      media    pictures, sound and files, and a model without a price
      errors   failures passed up, calls made again, a guardrail
      outlier  a day of traffic, and a session that costs more than all of it

    \b
    Examples:
      otel-sessions demo
      otel-sessions demo --scenario agent --scenario errors --open
      otel-sessions demo --once
    """
    from otel_sessions.cli import render  # noqa: PLC0415
    from otel_sessions.telemetry import configure_logging  # noqa: PLC0415

    configure_logging("WARNING")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        present(render.console(), once=once, scenarios=scenario, opened=open_)
    except KeyboardInterrupt:
        click.echo("stopped")


def present(console: Console, *, once: bool, scenarios: Sequence[str] = ("chat",), opened: bool = False) -> None:
    """The whole demo on a console; then it serves until KeyboardInterrupt, or not at all with `once`.

    With `opened`, and where the console is a terminal, a browser shows a session meanwhile.

    Raises `Permanent` when ClickHouse does not say of the sessions what the application knows of them.
    """
    from otel_sessions.cli.access import bypass_proxies  # noqa: PLC0415
    from otel_sessions.service import Service  # noqa: PLC0415

    bypass_proxies()
    config = _config(console)
    console.print("Starting the service; its data are in ./otel-sessions-data ...")
    service = Service(config)
    service.start()
    try:
        shown = _show(console, config, service.endpoints, scenarios, once=once)
        if not once:
            if opened and console.is_interactive and "web" in service.endpoints:
                webbrowser.open(_page(service.endpoints, shown))
            console.print("\nServing until Ctrl-C.")
            threading.Event().wait()
    finally:
        service.shutdown()


def _show(
    console: Console, config: Config, endpoints: Mapping[str, str], scenarios: Sequence[str], *, once: bool
) -> str:
    """Sends all, prints it, and returns the id of the session that is worth looking at."""
    from otel_sessions.cli import tables  # noqa: PLC0415
    from otel_sessions.cli.access import reader  # noqa: PLC0415
    from otel_sessions.cli.sessions.show import print_session, read  # noqa: PLC0415
    from otel_sessions.demo import SCENARIOS  # noqa: PLC0415

    tallies = _send(console, f"http://{endpoints['otlp/grpc']}", scenarios)
    spans = sum(tally.spans for tally in tallies)
    topic = SCENARIOS[scenarios[0]].shown
    with reader(config) as client:
        began = time.monotonic()
        rows = _complete(client, tallies)
        waited = time.monotonic() - began
        shown = next(tally.session_id for tally in tallies if tally.session_id.startswith(topic))
        whole = read(client, "default", shown, limit=_TURNS)
    console.print(f"Sent {spans} spans of {len(tallies)} sessions; all are in ClickHouse {waited:.1f} s later:\n")
    console.print(tables.sessions_table(rows[:_LISTED], datetime.now(UTC), console.width))
    if len(rows) > _LISTED:
        console.print(f"and {len(rows) - _LISTED} more")
    console.print()
    print_session(console, whole)
    console.print()
    _print_next_steps(console, {} if once else endpoints, shown)
    return shown


def _page(endpoints: Mapping[str, str], session_id: str) -> str:
    return f"http://{endpoints['web']}/sessions/{session_id}"


def _send(console: Console, endpoint: str, scenarios: Sequence[str]) -> tuple[Tally, ...]:
    """Runs the application, with a bar on a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    from otel_sessions import demo as application  # noqa: PLC0415

    os.environ.pop("OTEL_SDK_DISABLED", None)  # is for the user's own applications
    columns = (TextColumn("Chatting"), BarColumn(), MofNCompleteColumn(), TextColumn("turns"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_interactive) as progress:
        task = progress.add_task("", total=sum(application.SCENARIOS[name].turns for name in scenarios))
        return application.run(endpoint, scenarios=scenarios, on_turn=lambda _: progress.advance(task))


def _complete(client: Any, tallies: Sequence[Tally]) -> list[Row]:
    """The rows of the sessions, the last active first, once they say what the application knows."""
    from otel_sessions.queries import sessions  # noqa: PLC0415

    end = time.monotonic() + _COMPLETE_WITHIN_S
    rows: list[Row] = []
    waiting = list(tallies)
    while True:
        still = []
        for tally in waiting:
            row = sessions.one(client, project="default", session_id=tally.session_id)
            figures = {
                "TraceCount": tally.traces,
                "SpanCount": tally.spans,
                "ErrorCount": tally.errors,
                "InputTokens": tally.input_tokens,
                "OutputTokens": tally.output_tokens,
                "Cost": float(tally.cost),
            }
            if row is not None and all(row[name] == figure for name, figure in figures.items()):
                rows.append(row)
            else:
                still.append(tally)
        if not still:
            return sorted(rows, key=lambda row: str(row["EndTime"]), reverse=True)
        if time.monotonic() > end:
            wrong = ", ".join(tally.session_id for tally in still)
            raise Permanent(f"after {_COMPLETE_WITHIN_S:.0f} s these sessions are not what was sent: {wrong}")
        waiting = still
        time.sleep(0.1)


def _print_next_steps(console: Console, endpoints: Mapping[str, str], session_id: str) -> None:
    """What to type next: while the service runs, or with no endpoints, when it has stopped."""
    sql, name = "SELECT SessionId, TraceCount, Cost FROM sessions ORDER BY Cost DESC", Path(sys.argv[0]).name
    command = name if shutil.which(name) else sys.argv[0]  # its path, as in a virtual environment
    steps = [("List sessions", f"{command} sessions list"), ("Show one", f"{command} sessions show {session_id}")]
    if "clickhouse_http" in endpoints:
        steps.append(("Ask in SQL", f"curl http://{endpoints['clickhouse_http']} --data-binary '{sql}'"))
    else:
        steps.append(("Ask in SQL", f'{command} query "{sql}"'))
    if "web" in endpoints:
        steps.append(("See it in a browser", _page(endpoints, session_id)))
    if endpoints:
        export = f"export OTEL_EXPORTER_OTLP_ENDPOINT=http://{endpoints['otlp/grpc']} OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
        steps.append(("Send your own traces", export))
    else:
        steps.append(("Serve, for your traces", f"{command} serve"))
    for label, step in steps:
        console.print(f"  {label:<22} {step}", soft_wrap=True)


def _config(console: Console) -> Config:
    """The default configuration with free ports in the place of those that are taken, of which it tells."""
    from otel_sessions.cli.access import endpoint_of, owner_of  # noqa: PLC0415
    from otel_sessions.config import dotted, listeners  # noqa: PLC0415
    from otel_sessions.types import address_problem  # noqa: PLC0415

    config = loaded()
    endpoint = endpoint_of(config)
    if owner := owner_of(endpoint):
        pid = owner.get("pid", "?")
        raise Permanent(f"{endpoint.path} is in use by process {pid}; stop it, or run the demo in another directory")
    sets = []
    for path, address in listeners(config):
        if address_problem(address):
            sets.append(f"{dotted(path)}={address.host}:0")
            console.print(f"{address} is taken: a free port for {dotted(path)}", soft_wrap=True)
    return loaded(sets=sets, to_serve=True)
