"""charrnn config show | check | schema"""

from __future__ import annotations

from pathlib import Path

import click

from charrnn.cli.completing import files
from charrnn.cli.options import set_option
from charrnn.config import load, to_yaml, unused_keys
from charrnn.config.json_schema import schema_text


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
def show(config: str | None, sets: tuple[str, ...]) -> None:
    """Print the whole configuration, defaults filled in, as YAML.

    \b
    Example:
      charrnn config show --set optim.name=sgd
    """
    click.echo(to_yaml(load(config, sets)), nl=False)


@command.command("check")
@click.argument("config", required=False, shell_complete=files)
@set_option
def check(config: str | None, sets: tuple[str, ...]) -> None:
    """Say whether a configuration is right, or every mistake in it. Exit code 2 on a mistake.

    A key that was set and has no effect is a notice on stderr.

    \b
    Example:
      charrnn config check my.yaml
    """
    for notice in unused_keys(load(config, sets)):
        click.echo(f"notice: {notice}", err=True)
    click.echo(f"{config or 'the defaults'}: ok")


@command.command("schema")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it to a file.")
def schema(out: Path | None) -> None:
    """Print the JSON Schema of the configuration, for editors and programs.

    \b
    Examples:
      charrnn config schema
      charrnn config schema --out charrnn.schema.json
    """
    from charrnn.storage.atomic import write_atomically

    if out is None:
        click.echo(schema_text(), nl=False)
    else:
        write_atomically(out, schema_text().encode())
