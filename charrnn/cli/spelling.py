"""How the command line spells an argument of the Python API in messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Any

from charrnn.errors import Reference, printable, render

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
