"""Values that a caller gives: what each argument may be, once for Python and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from charrnn.config.rules import text_codec
from charrnn.errors import UsageError, argument


@dataclass(frozen=True)
class Number:
    """Numbers from `low` (`above`: more than it) to `high`, `whole` or not; `doc` is the help."""

    doc: str
    low: float
    high: float | None = None
    whole: bool = False
    above: bool = False

    def allows(self, value: Any) -> bool:
        """Whether `value` is such a number."""
        if not _is_number(value, whole=self.whole):
            return False
        high = inf if self.high is None else self.high
        return bool(self.low <= value <= high and not (self.above and value == self.low))

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a finite number"
        least = f"{'above' if self.above else 'at least'} {self.low:g}"
        if self.high is None:
            return f"{kind} {least}"
        return f"{kind} {least} and at most {self.high:{',' if self.whole else 'g'}}"


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    doc: str
    words: tuple[str, ...]


NUMBERS = {
    "beam": Number("Search for the likeliest text, keeping N side by side, instead of sampling.", 1,
                   10**4, whole=True),
    "best_of": Number("Sample N for each one, and write the one with the best mean "
                      "log-probability.", 1, 10**6, whole=True),
    "context": Number("Characters of a cold window [256].", 1, 10**12, whole=True),
    "count": Number("How many samples.", 1, 10**9, whole=True),
    "dynamic": Number("Keep learning on what has been scored, at this rate, for example 0.1.", 0),
    "epochs": Number("Passes over the training text to stop after.", 0, above=True),
    "hmm": Number("Compare with a hidden Markov model of so many states, learned from the training "
                  "part.", 1, 1024, whole=True),
    "jobs": Number("Points at a time [auto: as many as there are cores].", 1, 10**4, whole=True),
    "lags": Number("Characters that gradients are followed back.", 2, 100_000, whole=True),
    "length": Number("Characters to sample; of a model of bytes, bytes, and on to the end of the "
                     "last character [2000; for each of --records 10,000, at most].", 0, 10**12,
                     whole=True),
    "lines": Number("End a sample after N line ends.", 1, 10**12, whole=True),
    "min_chars": Number("Leave out lines of fewer characters.", 0, 10**12, whole=True),
    "minutes": Number("Minutes that all of it may take.", 0, above=True),
    "ngram_weight": Number("How much of the n-gram's part counts, from 0, the network alone, to 1 "
                           "[1].", 0, 1),
    "positions": Number("Places in the text whose gradients are followed; norms are medians over "
                        "them [64, of large models fewer: about ten seconds].", 1, 100_000,
                        whole=True),
    "probabilities": Number("Show the N likeliest next characters and their probabilities, and "
                            "sample nothing.", 1, 10**9, whole=True),
    "records": Number("End a sample after N records, or lines of a model of lines.", 1, 10**8,
                      whole=True),
    "seed": Number("Seed of everything random.", 0, 2**64 - 1, whole=True),
    "steps": Number("Updates to stop after.", 0, 10**15, whole=True),
    "temperature": Number("Divides the logits: below 1 safer, above 1 wilder, 0 the likeliest.", 0),
    "tolerance": Number("Largest relative error allowed [1e-8; 1e-4 for central-difference].", 0,
                        above=True),
    "top": Number("Only the N strangest.", 1, 10**12, whole=True),
    "top_k": Number("Only the k likeliest characters.", 1, 10**9, whole=True),
    "top_p": Number("Only the likeliest characters that together reach probability p.", 0, 1,
                    above=True),
}  # fmt: skip
CHOICES = {
    "checkpoint": Choice("Which checkpoint of a RUN.", ("best", "last")),
    "initial_state": Choice("What a text begins from, of a model of a stream: the state after a "
                            "blank line of its own, or zeros [warm].", ("warm", "zero")),
    "method": Choice("How the derivative is taken that backward is compared with.",
                     ("complex-step", "central-difference")),
    "on_unknown": Choice("Characters that the vocabulary lacks: an error, left out, or mapped to a "
                         "look-alike.", ("error", "skip", "map")),
    "per": Choice("What a row of the result is about.",
                  ("line", "char", "byte", "file", "record")),
    "precision": Choice("Of a page's weights: 8 bits, or float32 [small].", ("small", "exact")),
    "protocol": Choice("carried: one stream, state carried; cold: windows from a zero state.",
                       ("carried", "cold")),
    "sort": Choice("What the rows are ordered by, the best, the smallest or the newest first.",
                   ("age", "name", "cell", "parameters", "text", "loss", "steps", "seconds",
                    "state")),
    "split": Choice("Part of the text [val; all with --text].", ("train", "val", "test", "all")),
    "to": Choice("torch: a .safetensors of PyTorch's names; onnx: the whole model; html: a web "
                 "page that runs it.", ("torch", "onnx", "html")),
    "use": Choice("The network alone, or mixed with the run's n-gram [mixture where there is one].",
                  ("network", "mixture")),
}  # fmt: skip


def require(**values: Any) -> None:
    """UsageError for the first argument that is not what the tables allow; None is left out."""
    for name, value in values.items():
        if value is None:
            continue
        if name in CHOICES:
            one_of(argument(name), value, CHOICES[name].words)
        elif not NUMBERS[name].allows(value):
            raise UsageError(f"{value!r} is not {NUMBERS[name]}", where=argument(name))


def require_codec(encoding: str | None) -> None:
    """UsageError unless it is an encoding of text, or None."""
    try:
        if encoding is not None:
            text_codec(encoding)
    except LookupError:
        raise UsageError(
            f"unknown encoding {encoding!r}", where=argument("encoding"), then="for example: cp1252"
        ) from None


def one_of(name: str, value: Any, choices: Sequence[str]) -> None:
    """UsageError unless `value` is one of the choices."""
    if value not in choices:
        raise UsageError(f"{value!r} is none of {', '.join(choices)}", where=name)


def _is_number(value: Any, *, whole: bool) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return int(value) == value if whole else isfinite(value)
    except (TypeError, ValueError, OverflowError):
        return False
