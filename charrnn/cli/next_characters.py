"""The characters that may come next, as `charrnn sample` shows them."""

from __future__ import annotations

from typing import Any

import numpy as np

from charrnn.api.sampler import Sampler
from charrnn.cli.streams import echo, to_json
from charrnn.config.schema import RECORD_END
from charrnn.report.tables import Table


def show(sampler: Sampler, top: int, form: str) -> None:
    """The `top` likeliest, as text or JSON."""
    told = to_json(as_values(sampler, top)) if form == "json" else as_table(sampler, top)
    echo(told)


def as_values(sampler: Sampler, top: int) -> dict[str, Any]:
    """The object of `charrnn sample --probabilities N --format json`."""
    p, drawn, order = _likeliest(sampler, top)
    settings, symbols = sampler.settings, sampler.vocabulary.symbols
    return {
        "prime": sampler.prime_text, "used": sampler.used, "K": len(symbols),
        "temperature": settings.temperature, "top_k": settings.top_k, "top_p": settings.top_p,
        "characters": [
            {"char": sampler.layout.shown(symbols[i]), "probability": float(p[i]),
             "nats": _nats(p[i]), "drawn": float(drawn[i])}
            for i in order
        ],
        "rest": max(1.0 - float(p[order].sum()), 0.0),
    }  # fmt: skip


def as_table(sampler: Sampler, top: int) -> str:
    """The same for people: what is drawn from has a column where it is something else."""
    p, drawn, order = _likeliest(sampler, top)
    is_byte, symbols = sampler.vocabulary.unit == "byte", sampler.vocabulary.symbols
    changed = not np.array_equal(p, drawn)
    rows = [
        [_shown(symbols[i], is_byte), f"{p[i]:.4f}", f"{_nats(p[i]):.3f}", f"{drawn[i]:.4f}"]
        for i in order
    ]
    others = len(symbols) - len(order)
    if others:
        rest = [max(1.0 - float(q[order].sum()), 0.0) for q in (p, drawn)]
        rows.append([f"{others:,} others", f"{rest[0]:.4f}", "", f"{rest[1]:.4f}"])
    columns = 4 if changed else 3
    heads = ["character", "probability", "nats", "drawn"][:columns]
    return Table(heads, [row[:columns] for row in rows], "lrrr"[:columns]).render()


def _likeliest(sampler: Sampler, top: int) -> tuple[Any, Any, Any]:
    p, drawn = sampler.next_characters()
    return p, drawn, np.argsort(-p, kind="stable")[:top]


def _nats(p: float) -> float:
    return float(-np.log(p)) if p > 0 else float("inf")


def _shown(symbol: str, is_byte: bool) -> str:
    """A character between quotes, with its number."""
    if symbol == RECORD_END:
        return "the end of a record"
    number = f"0x{ord(symbol):02X}" if is_byte else f"U+{ord(symbol):04X}"
    if is_byte and not symbol.isascii():
        return number
    return f"{symbol!r} {number}"
