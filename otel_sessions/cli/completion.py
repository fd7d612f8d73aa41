# SPDX-License-Identifier: Apache-2.0
"""`otel-sessions completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from otel_sessions.cli.commands import Argument, Command


@click.command("completion", cls=Command)
@click.argument(
    "shell",
    cls=Argument,
    metavar="SHELL",
    type=click.Choice(["bash", "zsh", "fish"]),
    about="bash (4.4 or newer), zsh or fish.",
)
def completion(shell: str) -> None:
    """Print what makes a shell complete commands, options, fields of the language and ids of sessions.

    \b
    Examples:
      otel-sessions completion bash >> ~/.bashrc
      otel-sessions completion zsh >> ~/.zshrc
      otel-sessions completion fish > ~/.config/fish/completions/otel-sessions.fish
    """
    root = click.get_current_context().find_root()
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(root.command, {}, "otel-sessions", "_OTEL_SESSIONS_COMPLETE").source())
