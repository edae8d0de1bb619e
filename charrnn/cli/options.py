"""Options that several commands share."""

from __future__ import annotations

from math import isfinite
from typing import Any

import click

from charrnn.cli import completing
from charrnn.cli.spelling import in_options, option
from charrnn.runtime.blas import threads as threads

set_option = click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE",
    help="Set one key, for example model.hidden_size=256; repeatable.",
    shell_complete=completing.settings,
)  # fmt: skip
format_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How the result is printed.",
)  # fmt: skip
checkpoint_option = click.option(
    "--checkpoint", "which", type=click.Choice(["best", "last"]), default="best",
    show_default=True, help="Which checkpoint of a RUN.",
)  # fmt: skip
unknown_option = click.option(
    "--on-unknown", type=click.Choice(["error", "skip", "map"]), default=None,
    help="Characters that the vocabulary lacks: an error, left out, or mapped to a look-alike.",
)  # fmt: skip


class Finite(click.FloatRange):
    """A float in a range; inf and nan are in none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not isfinite(number):
            self.fail(f"{number} is not a finite number.", param, ctx)
        return number


spelled = option


def say_notice(text: str) -> None:
    """Tell what is worth knowing, on stderr."""
    click.echo(f"notice: {in_options(text)}", err=True)
