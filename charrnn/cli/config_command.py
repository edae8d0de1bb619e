"""charrnn config show | check | schema"""

from __future__ import annotations

import json

import click

from charrnn.cli.options import set_option
from charrnn.config import Config, idle, load, to_yaml


@click.group("config")
def command() -> None:
    """Show, check or describe a configuration.

    \b
    Examples:
      charrnn config show configs/char-rnn.yaml --set model.cell=gru
      charrnn config check my.yaml
      charrnn config schema > charrnn.schema.json
    """


@command.command("show")
@click.argument("config", required=False)
@set_option
def show(config: str | None, sets: tuple[str, ...]) -> None:
    """Print the whole configuration, defaults filled in, as YAML.

    \b
    Example:
      charrnn config show --set optim.name=sgd
    """
    click.echo(to_yaml(load(config, sets)), nl=False)


@command.command("check")
@click.argument("config", required=False)
@set_option
def check(config: str | None, sets: tuple[str, ...]) -> None:
    """Say whether a configuration is right, or every mistake in it. Exit code 2 on a mistake.

    A key that was set and has no effect is a notice on stderr.

    \b
    Example:
      charrnn config check my.yaml
    """
    for notice in idle(load(config, sets)):
        click.echo(f"notice: {notice}", err=True)
    click.echo(f"{config or 'the defaults'}: ok")


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors and programs.

    \b
    Example:
      charrnn config schema > charrnn.schema.json
    """
    click.echo(json.dumps(Config.model_json_schema(), indent=2))
