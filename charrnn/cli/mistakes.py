"""What somebody meant who typed a command, an option or an argument that there is not.

And how the command line spells the arguments of the Python API that an error names.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from shlex import quote
from typing import Any

import click

from charrnn.errors import Reference, argument, call, printable, render

# Arguments and functions whose option or command has another name.
OPTION_NAMES = {"files": "text", "settings": "set", "every_entry": "all"}
COMMANDS = {"resume": "train --resume", "evaluate": "eval", "write_report": "report"}


def option(name: str) -> str:
    """`--top-k` of `top_k`."""
    return "--" + OPTION_NAMES.get(name, name).replace("_", "-")


def as_command(reference: Reference) -> str:
    """A reference as it would be typed: `--top-k 5`, `--set KEY=VALUE`, `charrnn train …`."""
    if reference.name:
        return option(reference.name)
    words = ["charrnn", COMMANDS.get(reference.function, reference.function)]
    if not reference.function:
        words = []
    words += [_positional(value) for value in reference.positional if value is not None]
    for name, value in reference.arguments.items():
        words += _option_words(name, value)
    return " ".join(words)


def in_options(message: str) -> str:
    """A message for somebody who types commands."""
    return render(message, as_command)


def _option_words(name: str, value: Any) -> Iterator[str]:
    if value is None or value is False:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield f"{option(name)} {_word(f'{key}={_scalar(item)}')}"
    elif isinstance(value, list):
        for item in value:
            yield f"{option(name)} {_word(item)}"
    else:
        yield option(name) if value is True else f"{option(name)} {_word(value)}"


def _scalar(value: Any) -> str:
    """A value as `--set` reads it."""
    return value if isinstance(value, str) else json.dumps(value)


def _positional(value: Any) -> str:
    """A name that begins with a dash would be read as an option."""
    word = _word(value)
    return f"./{word}" if word.startswith("-") and word != "-" else word


def _word(value: Any) -> str:
    word = f"{value:g}" if isinstance(value, float) else str(value)
    if printable(word) == word:
        return quote(word)
    return f"$'{''.join(map(_escaped, word))}'"


def _escaped(character: str) -> str:
    """As bash, zsh and ksh read it between $' and '."""
    if character in "\\'":
        return f"\\{character}"
    if printable(character) == character:
        return character
    number = ord(character)
    if number < 0x80 or 0xDC80 <= number <= 0xDCFF:  # a byte of a name that is no text
        return f"\\x{number & 0xFF:02x}"
    return f"\\u{number:04x}"


# What people call commands elsewhere.
HABITS = {
    "generate": "sample", "fit": "train", "learn": "train", "resume": "train --resume",
    "evaluate": "eval", "test": "eval", "validate": "eval", "perplexity": "eval",
    "plot": "report", "info": "inspect", "show": "inspect", "convert": "export",
    "grid": "sweep", "stats": "corpus", "check": "gradcheck",
}  # fmt: skip
# Options of other programs, and what they are here; keys of the configuration are found besides.
OPTIONS = {
    "--max-length": "--length", "--num-samples": "--count", "--max-steps": "--steps",
    "--data": "--text", "--input": "--text", "--output": "--out", "--prompt": "--prime",
    "--start": "--prime", "--temp": "--temperature", "--continue": "--resume",
}  # fmt: skip


def explain_command(word: str, commands: Iterable[str]) -> str:
    """The end of the error for a word that is no command."""
    names = list(commands)
    near = HABITS.get(word) or next(iter(difflib.get_close_matches(word, names, 1)), None)
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
    if OPTIONS.get(name) in options:
        return click.NoSuchOption(name, possibilities=[OPTIONS[name]], ctx=error.ctx)
    if "--set" not in options:
        return error
    key = _key(name.lstrip("-").replace("-", "_"))
    if key is None:
        return error
    return click.UsageError(f"No such option: {name}. It is a key: --set {key}=VALUE", error.ctx)


def _key(name: str) -> str | None:
    """The configuration's key of that name, or of what others call it."""
    from charrnn.config.explain import HABITS as KEYS
    from charrnn.config.explain import known_keys

    meant = KEYS.get(name, name).split(" ")[0]
    return next((key for key in known_keys() if meant in (key, key.rsplit(".", 1)[-1])), None)
