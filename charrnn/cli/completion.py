"""charrnn completion, and what a shell is offered: files, and configuration keys."""

from __future__ import annotations

from typing import Any, get_args

import click
from click.shell_completion import BashComplete, CompletionItem, get_completion_class

from charrnn.cli.streams import echo


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
    echo(kind(ctx.find_root().command, {}, "charrnn", "_CHARRNN_COMPLETE").source())


class Bash(BashComplete):
    """Bash, for which `=` ends a word: the words around it are one here, as they were typed."""

    source_template = BashComplete.source_template.replace(
        "COMPREPLY+=($value)",
        "COMPREPLY+=($value)\n            [[ $value == *= ]] && compopt -o nospace",
    )

    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        words: list[str] = []
        open_word = False
        for word in [*args, incomplete]:
            if words and (word == "=" or (open_word and word)):
                words[-1] += word
            else:
                words.append(word)
            open_word = word == "="
        self._typed = words[-1].rpartition("=")[0]
        return words[:-1], words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        value = item.value.removeprefix(f"{self._typed}=") if self._typed else item.value
        return f"{item.type},{value}"


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Whatever files there are."""
    return [CompletionItem(incomplete, type="file")]


def settings(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """KEY= for each key; after the = the values of a key that has few."""
    from charrnn.config.explain import known_keys

    key, equals, value = incomplete.partition("=")
    if equals:
        found = [f"{key}={choice}" for choice in _choices(key) if choice.startswith(value)]
    else:
        found = [f"{known}=" for known in sorted(known_keys()) if known.startswith(incomplete)]
    return [CompletionItem(item) for item in found]


def _choices(key: str) -> list[str]:
    """The words that a key may be."""
    from charrnn.config import Config

    kind: Any = Config
    for name in key.split("."):
        field = getattr(kind, "model_fields", {}).get(name)
        if field is None:
            return []
        extra, kind = field.json_schema_extra, field.annotation
        if isinstance(extra, dict) and "enum" in extra:
            return [str(choice) for choice in extra["enum"]]
    if kind is bool:
        return ["true", "false"]
    return [word for part in (kind, *get_args(kind)) for word in _words(part)]


def _words(kind: Any) -> list[str]:
    return [word for word in get_args(kind) if isinstance(word, str)]
