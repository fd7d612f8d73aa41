# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions backup` and `otel-sessions restore`: embedded data and their write-ahead log as one directory.

The log is copied first and the tables after it: what was answered before is in one or the other, as a segment leaves
the log when its spans are stored. `backup.json` is written last, and without it there is no backup.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from otel_sessions.cli import options
from otel_sessions.cli.commands import Argument, Command
from otel_sessions.cli.options import loaded
from otel_sessions.errors import Permanent

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from otel_sessions.clickhouse.client import Endpoint
    from otel_sessions.config import Config

_TABLES, _LOG, _FACTS = "clickhouse", "log", "backup.json"
_FORMAT = 1


@click.command("backup", cls=Command)
@click.argument(
    "directory",
    cls=Argument,
    type=click.Path(path_type=Path),
    metavar="DIRECTORY",
    about="A new directory: a name in the one for backups, or a path below it.",
)
@options.as_json
@options.configuration
def backup(directory: Path, json_: bool, config: tuple[Path, ...], set_: tuple[str, ...]) -> None:
    """Save the embedded data and the write-ahead log into a new directory, while the service runs.

    All that was answered before the command began is in it. A name without a slash is a directory in the one for
    backups, which is beside the data (exporters.clickhouse.backup_directory); no other takes any. A running service
    writes the tables itself, so its user must be able to write there. A server's data are saved by ClickHouse's own
    BACKUP.

    \b
    Examples:
      otel-sessions backup monday
      otel-sessions backup /var/backups/otel-sessions/monday --config config.yaml --json
    """
    from otel_sessions._version import __version__  # noqa: PLC0415
    from otel_sessions.cli.access import writer  # noqa: PLC0415
    from otel_sessions.clickhouse.errors import writing  # noqa: PLC0415
    from otel_sessions.sessions import backup as tables  # noqa: PLC0415

    settings = loaded(config, set_)
    target = _made(directory, _embedded(settings))
    began = datetime.now(UTC)
    segments = sum(_copied(log, target / _LOG / name) for name, log in _logs(settings))
    with writer(settings) as client, writing(f"saving into {target}"):
        tables.save(client, target / _TABLES)
    facts = {"format": _FORMAT, "version": __version__, "began": began.isoformat(), "segments": segments}
    (target / _FACTS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    nbytes = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    if json_:
        click.echo(json.dumps({**facts, "bytes": nbytes}, indent=2))
    else:
        click.echo(f"the data and {segments} segments of the log are in {target}, {nbytes:,} bytes")


@click.command("restore", cls=Command)
@click.argument(
    "directory",
    cls=Argument,
    type=click.Path(path_type=Path),
    metavar="DIRECTORY",
    about="What `backup` has made.",
)
@options.as_json
@options.configuration
def restore(directory: Path, json_: bool, config: tuple[Path, ...], set_: tuple[str, ...]) -> None:
    """Bring a backup back into the data and log directories of a configuration, which must hold nothing.

    The sessions are worked out anew from the spans and then compared with them, as `verify` does. What the backup has
    of the log is stored when the service starts.

    \b
    Examples:
      otel-sessions restore /var/backups/otel-sessions/monday --config config.yaml
      otel-sessions restore otel-sessions-data-backups/monday --set exporters.clickhouse.endpoint=chdb://./restored
    """
    from otel_sessions.cli.output import follow  # noqa: PLC0415
    from otel_sessions.clickhouse.errors import writing  # noqa: PLC0415
    from otel_sessions.sessions import backup as tables  # noqa: PLC0415
    from otel_sessions.sessions.verify import verify  # noqa: PLC0415

    settings = loaded(config, set_)
    endpoint, source = _embedded(settings), directory.resolve()
    facts = _facts(source)
    logs = dict(_logs(settings))
    for log in logs.values():
        if any(log.rglob("*.wal")):
            raise Permanent(f"requests wait in {log}; start the service and stop it, or restore to another place")
    with _new_data(replace(endpoint, backups=source)) as client, writing(f"restoring {source}"):
        spans = follow(tables.restore(client, endpoint.database, source / _TABLES))
        report = follow(verify(client))
    logged = sorted((source / _LOG).iterdir()) if (source / _LOG).is_dir() else []
    segments = sum(_copied(log, logs.get(log.name, next(iter(logs.values())))) for log in logged)
    if json_:
        told = {"spans": spans, "segments": segments, "clean": report.clean, "began": facts["began"]}
        click.echo(json.dumps(told, indent=2))
    else:
        word = (
            "they are what the spans say" if report.clean else "they differ from the spans, see `otel-sessions verify`"
        )
        click.echo(
            f"{spans:,} spans of {facts['began']} are in {endpoint}, {segments} segments wait in the log; {word}"
        )
    if not report.clean:
        raise click.exceptions.Exit(1)


def _embedded(settings: Config) -> Endpoint:
    from otel_sessions.cli.access import endpoint_of  # noqa: PLC0415

    endpoint = endpoint_of(settings)
    if not endpoint.embedded:
        raise Permanent(f"{endpoint} is a server: it saves its data itself, as in BACKUP DATABASE otel TO Disk(...)")
    return endpoint


def _made(directory: Path, endpoint: Endpoint) -> Path:
    backups = endpoint.backups
    assert backups is not None
    target = (backups / directory if len(directory.parts) == 1 else directory).resolve()
    if backups.resolve() not in target.parents:
        raise Permanent(
            f"{target} is not in {backups}, where alone backups are written; take one there, as in `otel-sessions "
            f"backup monday`, or set exporters.clickhouse.backup_directory"
        )
    try:
        target.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise Permanent(
            f"{target} cannot be made: {error.strerror or error}; name a directory that is not there"
        ) from error
    return target


def _facts(source: Path) -> dict[str, Any]:
    """What stands in `backup.json`; raises `Permanent` where it is not of a whole backup of a format that is known."""
    try:
        facts: dict[str, Any] = json.loads((source / _FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Permanent(f"{source} is no backup, or one that did not come to its end: {_FACTS}: {error}") from error
    if facts.get("format") != _FORMAT:
        raise Permanent(f"{source} is a backup of another version: otel-sessions {facts.get('version', '?')}")
    return facts


def _logs(settings: Config) -> Iterator[tuple[str, Path]]:
    """The directories of the logs of those exporters that store in ClickHouse, by their name."""
    from otel_sessions.exporterhelper.config import SendingSettings  # noqa: PLC0415

    for id_ in settings.used("exporters"):
        exporter = settings.exporters[id_]
        if id_.type == "clickhouse" and isinstance(exporter, SendingSettings):
            directory = exporter.log_of(str(id_), "").parent
            yield directory.name, directory


def _copied(log: Path, target: Path) -> int:
    """How many segments there were to copy, what was set aside included, into the same places below `target`.

    One that has gone meanwhile is stored, and the tables are saved after the log.
    """
    count = 0
    for file in sorted(log.rglob("*")):
        if not file.is_file() or file.suffix in {".lock", ".stored"} or file.name == "probe":
            continue
        place = target / file.relative_to(log)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            shutil.copyfile(file, place)
        except FileNotFoundError:
            place.unlink(missing_ok=True)
        else:
            count += file.suffix == ".wal"
    return count


@contextmanager
def _new_data(endpoint: Endpoint) -> Iterator[Client]:
    """An engine on a directory that holds nothing; where it is not filled to the end it is emptied again."""
    from otel_sessions.clickhouse.client import connect  # noqa: PLC0415
    from otel_sessions.lock import DataLock  # noqa: PLC0415

    assert endpoint.path is not None
    lock = DataLock(endpoint.path)
    try:
        if any(file.suffix != ".lock" for file in endpoint.path.iterdir()):
            raise Permanent(f"{endpoint.path} has data; restore into a directory that has none, or remove them before")
        client = connect(endpoint)
        try:
            yield client
        except BaseException:
            client.close()
            shutil.rmtree(endpoint.path, ignore_errors=True)
            raise
        client.close()
    finally:
        lock.release()
