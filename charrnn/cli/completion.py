"""charrnn completion"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from charrnn.cli.completing import Bash


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, options, files and configuration keys.

    \b
    Examples:
      eval "$(charrnn completion bash)"
      charrnn completion zsh >> ~/.zshrc
      charrnn completion fish > ~/.config/fish/completions/charrnn.fish
    """
    kind = Bash if shell == "bash" else get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "charrnn", "_CHARRNN_COMPLETE").source())
