"""`otel-sessions sessions`: a file a command."""

from __future__ import annotations

import typer

from otel_sessions.cli.sessions import listing, rebuild, show

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Look at sessions, and work them out anew.

    \b
    Examples:
      otel-sessions sessions list
      otel-sessions sessions show SESSION
      otel-sessions sessions rebuild
    """,
)
app.command("list")(listing.list_)
app.command("show")(show.show)
app.command("rebuild")(rebuild.rebuild)
