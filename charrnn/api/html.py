"""The small pieces of HTML that a notebook shows."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape


def table(title: str, facts: Mapping[str, str]) -> str:
    """A heading and a table of two columns."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(value)}</td></tr>"
        for name, value in facts.items()
    )
    return f"<table><caption>{escape(title)}</caption>{rows}</table>"
