# SPDX-License-Identifier: Apache-2.0
"""All commands. A new one is a file beside this and a line in the list below."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from otel_sessions._version import __version__
from otel_sessions.cli import (
    attaching,
    backup,
    components,
    demo,
    doctor,
    importing,
    mcp,
    migrate,
    output,
    query,
    serve,
    sessions,
    tail,
    usage_errors,
    validate,
    verify,
)
from otel_sessions.errors import ConfigError, OtelSessionsError

_LONE_BYTES = re.compile("[\udc80-\udcff]")
"""What Python makes of bytes of the command line that are no text."""


class Commands(TyperGroup):
    """Turns errors that users cause into lines on stderr: faults of a configuration exit with 2, the rest with 1."""

    def make_context(self, *given: Any, **more: Any) -> Any:
        with usage_errors.reworded():
            return super().make_context(*given, **more)

    def invoke(self, ctx: Any) -> Any:
        try:
            with usage_errors.reworded():
                return super().invoke(ctx)
        except ConfigError as error:
            output.faults(error.faults)
            raise typer.Exit(2) from None
        except OtelSessionsError as error:
            output.error(str(error))
            raise typer.Exit(1) from None
        except BrokenPipeError:
            raise  # whoever reads has had enough: typer ends the command without a word
        except OSError as error:
            output.stop()
            output.error(str(error))
            raise typer.Exit(1) from None
        except UnicodeEncodeError as error:
            if not _LONE_BYTES.search(error.object):
                raise
            output.error("an argument has bytes that are not UTF-8")
            raise typer.Exit(2) from None


app = typer.Typer(
    name="otel-sessions",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("serve")(serve.serve)
app.command("validate")(validate.validate)
app.command("migrate")(migrate.migrate)
app.command("components")(components.components)
app.command("query")(query.query)
app.add_typer(sessions.app, name="sessions")
app.command("tail", cls=usage_errors.Asking)(tail.tail)
app.command("mcp")(mcp.mcp)
app.command("verify")(verify.verify)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("import")(importing.import_)
app.command("attach")(attaching.attach)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"otel-sessions {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """The session store for OpenTelemetry: traces in over OTLP, sessions out of ClickHouse.

    \b
    Examples:
      otel-sessions serve
      otel-sessions serve --config config.yaml
      otel-sessions COMMAND --help
    """
