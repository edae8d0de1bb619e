"""What somebody meant who typed a command, an option or an argument that there is not."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable

import click

from charrnn.cli.spelling import in_options
from charrnn.errors import argument, call

# What people call commands elsewhere.
COMMAND_ALIASES = {
    "generate": "sample", "fit": "train", "learn": "train", "resume": "train --resume",
    "evaluate": "eval", "test": "eval", "validate": "eval", "perplexity": "eval",
    "plot": "report", "info": "inspect", "show": "inspect", "convert": "export",
    "grid": "sweep", "stats": "corpus", "check": "gradcheck",
}  # fmt: skip
# Options of other programs, and what they are here; keys of the configuration are found besides.
OPTION_ALIASES = {
    "--max-length": "--length", "--num-samples": "--count", "--max-steps": "--steps",
    "--data": "--text", "--input": "--text", "--output": "--out", "--prompt": "--prime",
    "--start": "--prime", "--temp": "--temperature", "--continue": "--resume",
}  # fmt: skip


def explain_command(word: str, commands: Iterable[str]) -> str:
    """The end of the error for a word that is no command."""
    names = list(commands)
    near = COMMAND_ALIASES.get(word) or next(iter(difflib.get_close_matches(word, names, 1)), None)
    if near is not None:
        return f" Did you mean `{near}`?"
    if os.path.isfile(word):
        is_config = word.endswith((".yaml", ".yml"))
        meant = call("train", word) if is_config else call("train", files=[word])
        return f" To train with it: {in_options(meant)}"
    return f" Commands: {', '.join(names)}."


def explain_usage(error: click.UsageError) -> click.UsageError:
    """The error with what was probably meant, where that can be told."""
    if error.ctx is None:
        return error
    options = {name for param in error.ctx.command.params for name in param.opts}
    if isinstance(error, click.NoSuchOption):
        return _explain_option(error, options)
    if "unexpected extra argument" in error.message:
        hint = "An option takes one word: put a text with spaces in quotes."
        if "--text" in options:
            hint = f"A {in_options(one_glob())}."
        return click.UsageError(f"{error.message}. {hint}".replace(". .", "."), error.ctx)
    return error


def one_glob() -> str:
    """What to do about a glob after --text, which the shell replaced by several names."""
    glob, files = argument("files", "*.txt"), argument("files")
    return (
        "shell replaces a glob by several names, and an option takes one: put it in quotes, "
        f"{glob}, or repeat {files}"
    )


def _explain_option(error: click.NoSuchOption, options: set[str]) -> click.UsageError:
    name = error.option_name.partition("=")[0]
    if OPTION_ALIASES.get(name) in options:
        return click.NoSuchOption(name, possibilities=[OPTION_ALIASES[name]], ctx=error.ctx)
    if "--set" not in options:
        return error
    key = _key(name.lstrip("-").replace("-", "_"))
    if key is None:
        return error
    return click.UsageError(f"No such option: {name}. It is a key: --set {key}=VALUE", error.ctx)


def _key(name: str) -> str | None:
    """The configuration's key of that name, or of what others call it."""
    from charrnn.config.explain import KEY_ALIASES, known_keys

    meant = KEY_ALIASES.get(name, name).split(" ")[0]
    return next((key for key in known_keys() if meant in (key, key.rsplit(".", 1)[-1])), None)
