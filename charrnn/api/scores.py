"""What a model makes of a text, character by character."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from math import log
from typing import Any

import numpy as np

from charrnn import build
from charrnn.api.arguments import one_of
from charrnn.api.loaded import LoadedModel, as_symbols
from charrnn.api.rows import Nats, in_characters, line_rows
from charrnn.api.showing import prepare
from charrnn.data.layout import whole_lines
from charrnn.errors import argument, notice
from charrnn.inference.metrics import InBits
from charrnn.inference.scoring import UNKNOWN_WORDS, Scorer, Unknown
from charrnn.report import heat
from charrnn.runtime.workers import WorkerPool, threads

SHOWN = 5000  # characters that a notebook shows


@dataclass(frozen=True)
class LineScore:
    """A line, counted from 1; `chars` that were scored and the sum of their `nats`.

    `bits_per_char`: None where no character was scored.
    """

    line: int
    text: str
    chars: int
    nats: float
    bits_per_char: float | None


class Scores(InBits):
    """`nats` (N,) of each character of `text`; NaN for those that were not scored.

    `used`: "network" or "mixture". Of a model of bytes `nats` are sums over the bytes of a
    character, and a byte that belongs to none is U+FFFD. A notebook shows the text, the more
    surprising a character the darker.
    """

    def __init__(self, text: str, nats: Nats, K: int, used: str = "network") -> None:
        self.text, self.nats, self.used, self._K = text, nats, used, K
        self.nats.flags.writeable = False

    @property
    def chars(self) -> int:
        """Characters that were scored."""
        return int(np.count_nonzero(~np.isnan(self.nats)))

    @property
    def total(self) -> float:
        """The sum of all nats: minus the log-probability of the text."""
        return float(np.nansum(self.nats))

    @property
    def nats_per_char(self) -> float:
        """The mean; NaN where no character was scored."""
        return self.total / self.chars if self.chars else float("nan")

    def lines(self) -> list[LineScore]:
        """Each line of the text, as `charrnn score --per line`."""
        rows = line_rows("", iter([(self.text, [self.nats])])) if self.text else iter(())
        return [
            LineScore(row.line or 0, row.text or "", row.chars[0], row.nats[0], row.bits(0))
            for row in rows
        ]

    def __len__(self) -> int:
        return len(self.text)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        """Characters and their nats."""
        return zip(self.text, self.nats.tolist(), strict=True)

    def __repr__(self) -> str:
        return (
            f"<charrnn.Scores of {self.chars:,} characters, {self.nats_per_char:.4f} nats = "
            f"{self.bits_per_char:.4f} bits per character>"
        )

    def _repr_html_(self) -> str:
        spans = "".join(self._span(char, nats) for char, nats in list(self)[:SHOWN])
        return (
            f"<p>{escape(repr(self)[1:-1])}</p>"
            f"<pre style='white-space:pre-wrap'>{spans}</pre>{heat.left_out(len(self) - SHOWN)}"
        )

    def to_html(self, title: str = "charrnn") -> str:
        """A page of its own, with the text coloured by surprise, as `charrnn score --html`."""
        return heat.page(title, [(title, self.text, self.nats)], self._K).decode()

    def _span(self, char: str, nats: float) -> str:
        """Darkest where a character costs twice what the uniform baseline does, ln K."""
        shown = escape(char if char.isprintable() or char == "\n" else repr(char)[1:-1])
        if np.isnan(nats):
            return shown
        shown = f"↵{shown}" if char == "\n" else shown
        share = min(nats / (2 * log(max(self._K, 2))), 1.0)
        colour = f"background:rgba(220,60,30,{share:.2f})"
        return f'<span style="{colour}" title="{nats:.2f} nats">{shown}</span>'


def score(
    model: LoadedModel, text: str | bytes, on_unknown: Any, use: str | None = None, *,
    independent: bool = False, initial_state: str | None = None,
) -> Scores:  # fmt: skip
    """The scores of a text."""
    with threads(model.config.runtime.threads) as available, threads(1):
        own = scorer(
            model, len(text), available, on_unknown, use=use, tell=notice,
            independent=independent, initial_state=initial_state,
        )  # fmt: skip
        symbols = as_symbols(text, model.vocabulary.unit)
        pieces = own.layout.whole([symbols], "text")
        if independent and own.layout.boundary is None:
            pieces = whole_lines(pieces, closed=True)
        scored = [(piece, own.nats(piece)) for piece in pieces]
    if (said := own.notice()) is not None:
        notice(said)
    whole = "".join(piece for piece, _ in scored)
    nats = np.concatenate([np.zeros(0), *(n for _, n in scored)])
    if model.vocabulary.unit == "byte":
        whole, (nats,) = in_characters(whole, [nats])
    return Scores(whole, nats, model.vocabulary.K, "mixture" if own.mixed else "network")


def scorer(
    model: LoadedModel, characters: int, available: int, on_unknown: Any, *,
    use: str | None = None, tell: Any, independent: bool = False,
    initial_state: str | None = None,
) -> Scorer:  # fmt: skip
    """What scores texts of about so many characters, with the threads that there are."""
    require_unknown(on_unknown)
    beginning = model.beginning(initial_state)
    network = model.network()
    build.use_compiled_if_worthwhile(network, model.config, characters)
    prepare(network, tell, learning=False)
    return Scorer(
        WorkerPool(network, available), model.vocabulary,
        on_unknown or _asked_of_run(model), layout=model.layout,
        setting=argument("on_unknown"), mixture=model.used_mixture(use, tell),
        unseen=model.nats_of_unseen, independent=independent, beginning=beginning,
    )  # fmt: skip


def require_unknown(on_unknown: Any) -> None:
    """UsageError unless it says what scores do about characters that the vocabulary lacks."""
    if on_unknown is not None:
        one_of(argument("on_unknown"), on_unknown, UNKNOWN_WORDS)


def _asked_of_run(model: LoadedModel) -> Unknown:
    """What the run's configuration asks for. Error, the default, is about texts to learn from."""
    asked = model.config.data.on_unknown
    return "surprise" if asked == "error" else asked
