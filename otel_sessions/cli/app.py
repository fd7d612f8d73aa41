# SPDX-License-Identifier: Apache-2.0
"""All commands. A new one is a file beside this and a line in the list below."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

from otel_sessions._version import __version__
from otel_sessions.cli import INTERRUPTED, output, usage_errors
from otel_sessions.cli.commands import Group
from otel_sessions.errors import ConfigError, OtelSessionsError

_COMMANDS: Final = {
    "serve": "otel_sessions.cli.serve:serve",
    "validate": "otel_sessions.cli.validate:validate",
    "migrate": "otel_sessions.cli.migrate:migrate",
    "components": "otel_sessions.cli.components:components",
    "query": "otel_sessions.cli.query:query",
    "sessions": "otel_sessions.cli.sessions:sessions",
    "tail": "otel_sessions.cli.tail:tail",
    "mcp": "otel_sessions.cli.mcp:mcp",
    "verify": "otel_sessions.cli.verify:verify",
    "backup": "otel_sessions.cli.backup:backup",
    "restore": "otel_sessions.cli.backup:restore",
    "import": "otel_sessions.cli.importing:import_",
    "attach": "otel_sessions.cli.attaching:attach",
    "doctor": "otel_sessions.cli.doctor:doctor",
    "demo": "otel_sessions.cli.demo:demo",
    "completion": "otel_sessions.cli.completion:completion",
}
_LONE_BYTES = re.compile("[\udc80-\udcff]")
"""What Python makes of bytes of the command line that are no text."""


class Commands(Group):
    """Turns errors that users cause into lines on stderr: faults of a configuration exit with 2, the rest with 1."""

    def make_context(self, *given: Any, **more: Any) -> click.Context:
        with _told(), usage_errors.reworded():
            return super().make_context(*given, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with _told(), usage_errors.reworded():
            return super().invoke(ctx)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        output.faults(error.faults)
        raise click.exceptions.Exit(2) from None
    except OtelSessionsError as error:
        output.error(str(error))
        raise click.exceptions.Exit(1) from None
    except BrokenPipeError:
        raise  # whoever reads has had enough: click ends the command without a word
    except OSError as error:
        output.stop()
        output.error(str(error))
        raise click.exceptions.Exit(1) from None
    except UnicodeEncodeError as error:
        if not _LONE_BYTES.search(error.object):
            raise
        output.error("an argument has bytes that are not UTF-8")
        raise click.exceptions.Exit(2) from None
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None


@click.group(
    "otel-sessions",
    cls=Commands,
    places=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True},
)
@click.version_option(__version__, message="otel-sessions %(version)s", help="Print the version and exit.")
def app() -> None:
    """The session store for OpenTelemetry: traces in over OTLP, sessions out of ClickHouse.

    \b
    Examples:
      otel-sessions serve
      otel-sessions serve --config config.yaml
      otel-sessions COMMAND --help
    """
