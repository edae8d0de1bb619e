"""Options that several commands share, made from the table of the Python API's arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite
from typing import Any, TypeVar

import click

from charrnn.api.arguments import CHOICES, NUMBERS
from charrnn.cli import completion
from charrnn.cli.spelling import in_options, option
from charrnn.cli.streams import echo, say
from charrnn.runtime.progress import listening

_ESCAPE = re.compile(r"\\(?:([ntr0\\])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\"}
Command = TypeVar("Command", bound=Callable[..., Any])


class Finite(click.FloatRange):
    """A float in a range; inf and nan are in none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not isfinite(number):
            self.fail(f"{number} is not a finite number.", param, ctx)
        return number


def argument_option(
    name: str, *declarations: str, default: Any = None, help: str = "", **more: Any
) -> Callable[[Command], Command]:
    """The option of an argument, with the type and range, and unless given the help, of the API."""
    allowed: Any = CHOICES.get(name) or NUMBERS[name]
    if default is not None:
        more |= {"default": default, "show_default": True}
    kind: Any
    if name in CHOICES:
        kind = click.Choice(list(allowed.words))
    elif allowed.whole:
        kind = click.IntRange(int(allowed.low), None if allowed.high is None else int(allowed.high))
    else:
        kind = Finite(allowed.low, allowed.high, min_open=allowed.above)
    return click.option(option(name), *declarations, type=kind, help=help or allowed.doc, **more)


def _parsed(ctx: click.Context, param: click.Parameter, items: tuple[str, ...]) -> dict[str, Any]:
    from charrnn.api.settings import parsed

    return parsed(items)


set_option = click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", callback=_parsed,
    help="Set one key, for example model.hidden_size=256; repeatable.",
    shell_complete=completion.settings,
)  # fmt: skip
format_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How the result is printed.",
)  # fmt: skip
table_option = click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown", "latex"]), default="text",
    show_default=True, help="How the result is printed.",
)  # fmt: skip


def hush(ctx: click.Context, param: click.Parameter, quiet: bool) -> bool:
    """The callback of -q: nobody is told how far the command is."""
    if quiet:
        ctx.with_resource(listening(None))
    return quiet


quiet_option = click.option(
    "-q", "--quiet", is_flag=True, expose_value=False, callback=hush,
    help="No progress on stderr.",
)  # fmt: skip
checkpoint_option = argument_option("checkpoint", "which", default="best")
encoding_option = click.option(
    "--encoding", metavar="NAME",
    help="How the text is encoded [as the model's own, or UTF-8 where it is that].",
)  # fmt: skip
unknown_option = argument_option("on_unknown")


def say_notice(text: str) -> None:
    """Tell what is worth knowing, on stderr."""
    say(f"notice: {in_options(text)}")


def tell(text: str) -> None:
    """A line on stderr."""
    echo(text, err=True)


def unescaped(text: str | None) -> str | None:
    """A text of the command line in which \\n, \\xE9 and the like are what they stand for."""

    def character(found: re.Match[str]) -> str:
        letter, *numbers = found.groups()
        return _LETTERS[letter] if letter else chr(int(next(filter(None, numbers)), 16))

    return None if text is None else _ESCAPE.sub(character, text)
