"""charrnn config show | check | schema"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from charrnn.api.settings import load_config, notices, schema_text, to_yaml
from charrnn.cli.completion import files
from charrnn.cli.options import say_notice, set_option
from charrnn.cli.streams import echo


@click.group("config")
def command() -> None:
    """Show, check or describe a configuration.

    \b
    Examples:
      charrnn config show configs/char-rnn.yaml --set model.cell=gru
      charrnn config check my.yaml
      charrnn config schema --out charrnn.schema.json
    """


@command.command("show")
@click.argument("config", required=False, shell_complete=files)
@set_option
def show(config: str | None, settings: dict[str, Any]) -> None:
    """Print the whole configuration, defaults filled in, as YAML.

    \b
    Example:
      charrnn config show --set optim.name=sgd
    """
    echo(to_yaml(load_config(config, settings)), nl=False)


@command.command("check")
@click.argument("config", required=False, shell_complete=files)
@set_option
def check(config: str | None, settings: dict[str, Any]) -> None:
    """Say whether a configuration is right, or every mistake in it. Exit code 2 on a mistake.

    A key that was set and has no effect is a notice on stderr.

    \b
    Example:
      charrnn config check my.yaml
    """
    for text in notices(load_config(config, settings)):
        say_notice(text)
    echo(f"{config or 'the defaults'}: ok")


@command.command("schema")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it to a file.")
def schema(out: Path | None) -> None:
    """Print the JSON Schema of the configuration, for editors and programs.

    \b
    Examples:
      charrnn config schema
      charrnn config schema --out charrnn.schema.json
    """
    text = schema_text(out)
    if out is None:
        echo(text, nl=False)
