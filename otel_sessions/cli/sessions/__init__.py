# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions sessions`: a file a command."""

from __future__ import annotations

from typing import Final

import click

from otel_sessions.cli.commands import Group

_COMMANDS: Final = {
    "list": "otel_sessions.cli.sessions.listing:list_",
    "show": "otel_sessions.cli.sessions.show:show",
    "delete": "otel_sessions.cli.sessions.delete:delete",
    "export": "otel_sessions.cli.sessions.export:export",
    "rebuild": "otel_sessions.cli.sessions.rebuild:rebuild",
}


@click.group("sessions", cls=Group, places=_COMMANDS)
def sessions() -> None:
    """Look at sessions, take them out, and work them out anew.

    \b
    Examples:
      otel-sessions sessions list
      otel-sessions sessions list 'user:ada cost>0.5'
      otel-sessions sessions show SESSION
      otel-sessions sessions export SESSION --format md
      otel-sessions sessions rebuild
    """
