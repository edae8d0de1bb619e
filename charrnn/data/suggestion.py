"""Settings to begin with, from what a survey found; each with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from charrnn.config import Config
from charrnn.data.survey import Survey

Keys = dict[str, Any]

# Beyond this many symbols, or with fewer characters than this for each, bytes are tried first.
MANY_SYMBOLS, CHARACTERS_A_SYMBOL = 2000, 50
# Lines of at most this many words and characters, none blank, are taken to be records.
RECORD_WORDS, RECORD_CHARACTERS, FEWEST_RECORDS = 3.0, 500, 20
# Lines are wrapped where so many have one length, of at least so many characters, and code where so
# many are indented.
WRAPPED, WRAPPED_AT, INDENTED = 0.8, 40, 0.2
# Scripts without spaces: code points, and the letters of a word.
UNSPACED = (
    (0x0E00, 0x0EFF, 5), (0x1000, 0x109F, 5), (0x1780, 0x17FF, 5), (0x3040, 0x30FF, 3),
    (0x3400, 0x9FFF, 2), (0xF900, 0xFAFF, 2), (0x20000, 0x3FFFF, 2),
)  # fmt: skip


class Size(NamedTuple):
    """What is used for a text of less than `below` symbols (stream) or lines (lines)."""

    below: float
    hidden_size: int
    batch_size: int
    k1: int
    epochs: int
    learning_rate: float
    dropout: float
    reason: str


STREAM = (
    Size(30e3, 64, 4, 32, 40, 5e-3, 0.2, "a small text: a small LSTM, few streams, many epochs"),
    Size(300e3, 128, 8, 64, 20, 5e-3, 0.2, "a text of medium size: fewer epochs, wider layer"),
    Size(5e6, 256, 32, 64, 8, 8e-3, 0.0, "the settings of configs/lstm-256.yaml, for about 1 MB"),
    Size(30e6, 512, 64, 100, 2, 2e-3, 0.0, "a large text: a wider layer, few epochs; not measured"),
    Size(float("inf"), 512, 128, 100, 1, 2e-3, 0.0, "a very large text: one epoch; not measured"),
)
LINES = (
    Size(3e3, 64, 16, 0, 40, 5e-3, 0.2, "few lines: a small LSTM, many epochs"),
    Size(300e3, 128, 64, 0, 25, 5e-3, 0.2, "the settings of configs/names.yaml, for 32,000 lines"),
    Size(float("inf"), 256, 128, 0, 3, 5e-3, 0.0, "very many lines: few epochs; not measured"),
)


@dataclass
class Suggestion:
    """Keys to set, where that is not their default, and why."""

    keys: Keys = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)


def suggest(found: Survey) -> Suggestion | None:
    """Settings for a text; None for one that has too little to learn from."""
    if found.K < 2 or found.characters < 100:
        return None
    suggestion = Suggestion()
    if found.encodings != ["utf-8"]:
        suggestion.keys["data.encoding"] = found.encodings[0]
        suggestion.reasons.append("encoding: as in the file")
    n = _unit(found, suggestion)
    if are_records(found):
        _lines(found, suggestion)
    else:
        _stream(found, n, suggestion)
        suggestion.reasons += _records(found)
    suggestion.keys |= {
        "optim.grad_clip": 1.0,
        "optim.schedule.name": "cosine",
        "optim.schedule.warmup_steps": 50,
    }
    suggestion.reasons.append("Adam with warm-up, a cosine, and the gradient clipped by norm at 1")
    suggestion.keys = {k: v for k, v in suggestion.keys.items() if v != _default(k)}
    return suggestion


def _default(key: str) -> Any:
    return reduce(getattr, key.split("."), Config())


def are_records(found: Survey) -> bool:
    """Whether each line looks like a thing of its own: a name, a word, a formula."""
    lines = found.lines
    full = lines.ended - lines.blank
    words = (found.count.get(ord(" "), 0) + _unspaced_words(found)) / full + 1 if full else 0.0
    return (
        full >= FEWEST_RECORDS
        and lines.blank <= 0.001 * full
        and words <= RECORD_WORDS
        and lines.longest <= RECORD_CHARACTERS
        and continued_lines(found) is None
    )


def continued_lines(found: Survey) -> str | None:
    """Why short lines without blank ones are no things of their own, in words; None if they are."""
    lines, full = found.lines, found.lines.ended - found.lines.blank
    if not full or found.lines.blank > 0.001 * full:
        return None
    begins = found.first.get(ord(">"))
    if found.headers and begins is not None and (begins.line, begins.column) == (1, 1):
        return f"FASTA: {found.headers:,} headers begin with >, and sequences go on over lines"
    width = int(np.argmax(lines.lengths[1:])) + 1
    if WRAPPED_AT <= width <= RECORD_CHARACTERS and lines.lengths[width] >= WRAPPED * full:
        return f"wrapped: {lines.lengths[width] / full:.0%} of the lines have {width} characters"
    if found.indented >= INDENTED * full:
        return f"code: {found.indented / full:.0%} of the lines are indented"
    return None


def _unspaced_words(found: Survey) -> float:
    """About how many words there are in scripts that are written without spaces."""
    return sum(
        n / letters
        for point, n in found.count.items()
        for first, last, letters in UNSPACED
        if first <= point <= last
    )


def _unit(found: Survey, suggestion: Suggestion) -> int:
    """Choose the unit; return the number of symbols of the text in it."""
    per_symbol = found.characters / found.K
    if found.K > MANY_SYMBOLS or (found.K > 256 and per_symbol < CHARACTERS_A_SYMBOL):
        suggestion.keys["data.unit"] = "byte"
        suggestion.keys.pop("data.encoding", None)
        suggestion.reasons.append(
            f"bytes: K = {found.K:,} characters, {per_symbol:,.0f} of the text for each; as bytes "
            f"K is at most 256 and the text {found.bytes / found.characters:.1f} times as long"
        )
        return found.bytes
    return found.characters


def _stream(found: Survey, n: int, suggestion: Suggestion) -> None:
    size = next(size for size in STREAM if n < size.below)
    # At least four windows for each stream.
    batch = max(min(size.batch_size, n // (4 * size.k1)), 1)
    suggestion.keys |= {
        "data.mode": "stream", **_model(size), "bptt.k1": size.k1, "train.batch_size": batch,
    }  # fmt: skip
    why = continued_lines(found)
    suggestion.reasons += [
        "stream: lines that go on from each other" + (f" ({why})" if why else ""), size.reason,
    ]  # fmt: skip


def _records(found: Survey) -> list[str]:
    """What only the owner of a text can tell: whether its parts are texts of their own."""
    if found.lines.groups >= FEWEST_RECORDS:
        return [
            f"or data.mode: records, if the {found.lines.groups:,} groups of lines between blank "
            "ones are texts of their own: poems, recipes, letters"
        ]
    if len(found.files) >= FEWEST_RECORDS:
        return [
            f"or data.mode: records with data.separator: file, if the {len(found.files):,} files "
            "are texts of their own"
        ]
    return []


def _lines(found: Survey, suggestion: Suggestion) -> None:
    full = found.lines.ended - found.lines.blank
    size = next(size for size in LINES if full < size.below)
    suggestion.keys |= {
        "data.mode": "lines", "data.split": [0.8, 0.1, 0.1], **_model(size), "bptt.mode": "full",
        "train.batch_size": size.batch_size,
    }  # fmt: skip
    suggestion.reasons += [
        f"lines: {full:,} short ones, none blank, few words each: a sequence of its own each",
        size.reason,
    ]


def _model(size: Size) -> Keys:
    return {
        "model.num_layers": 1,
        "model.hidden_size": size.hidden_size,
        "model.dropout": size.dropout,
        "optim.learning_rate": size.learning_rate,
        "train.epochs": size.epochs,
    }
