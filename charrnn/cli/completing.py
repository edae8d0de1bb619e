"""What a shell is offered for a value that click does not know: files, and configuration keys."""

from __future__ import annotations

from typing import Any, get_args

import click
from click.shell_completion import CompletionItem


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
        kind = field.annotation
    if kind is bool:
        return ["true", "false"]
    return [word for part in (kind, *get_args(kind)) for word in _words(part)]


def _words(kind: Any) -> list[str]:
    return [word for word in get_args(kind) if isinstance(word, str)]
