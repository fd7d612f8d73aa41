# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions sessions`: a file a command."""

from __future__ import annotations

import typer

from otel_sessions.cli.sessions import delete, export, listing, rebuild, show
from otel_sessions.cli.usage_errors import Asking

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Look at sessions, take them out, and work them out anew.

    \b
    Examples:
      otel-sessions sessions list
      otel-sessions sessions list 'user:ada cost>0.5'
      otel-sessions sessions show SESSION
      otel-sessions sessions export SESSION --format md
      otel-sessions sessions rebuild
    """,
)
app.command("list", cls=Asking)(listing.list_)
app.command("show")(show.show)
app.command("delete")(delete.delete)
app.command("export")(export.export)
app.command("rebuild")(rebuild.rebuild)
