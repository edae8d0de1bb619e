"""Progress on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import isfinite, log
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from charrnn.config import Config
from charrnn.data.vocabulary import unit_name
from charrnn.errors import printable
from charrnn.inference.metrics import bits
from charrnn.inference.reader import EVALUATION
from charrnn.nn.bptt import window_length
from charrnn.report.figures.style import sparkline
from charrnn.report.plan import plan_lines
from charrnn.report.progress import duration, make_bar, show
from charrnn.runs.planning import Plan
from charrnn.training.events import (
    Evaluated,
    Event,
    Finished,
    Interrupted,
    Mixed,
    Previewed,
    Sampled,
    Saved,
    Stepped,
)
from charrnn.training.trainer import Trainer

if TYPE_CHECKING:
    from tqdm import tqdm

LINE_EVERY_SECONDS = 10.0
SAMPLE_LINES = 4  # shown of a sample on a terminal


def introduction(trainer: Trainer, config: Config, run: Path, threads: int) -> list[str]:
    """What the run is about to do, in a few lines."""
    net, loader, corpus = trainer.network, trainer.loader, trainer.corpus
    model, optimiser = config.model, trainer.state.optimiser
    characters, one = corpus.characters, unit_name(corpus.vocabulary.unit)
    window = window_length(config.bptt.window, loader.longest, loader.B)
    tape = max(net.tape_bytes(window, loader.B), net.tape_bytes(EVALUATION.chunk, 1))
    padding = f", {loader.padding:.1%} padding" if hasattr(loader, "padding") else ""
    side_by_side = f"{loader.B} {corpus.layout.plural}"
    return [
        f"model     {net.cells[0].description}, {net.params.flat.size:,} parameters "
        f"({model.num_layers} × {model.hidden_size}), {config.runtime.dtype}, "
        f"{net.backend.name} kernels, {threads} thread{'s' * (threads > 1)}"
        f"{_ranks(trainer)}",
        f"text      {characters('train'):,} {one}s to train on, {characters('val'):,} to "
        f"validate, {characters('test'):,} to test; K = {net.K}",
        f"windows   {loader.batches_per_epoch:,} an epoch, {side_by_side} × up to {loader.T} "
        f"{one}s{padding}; {_bptt(config)}",
        f"memory    {tape / 2**20:.1f} MiB of tape, "
        f"{optimiser.theta.nbytes * (2 + len(optimiser.slots)) / 2**20:.1f} MiB of "
        f"parameters, gradient and optimiser{_ids_file(trainer)}",
        f"baseline  uniform: ln K = {log(net.K):.4f} nats = {bits(log(net.K)):.4f} bits per {one}",
        f"run       {run}",
    ]


def _ranks(trainer: Trainer) -> str:
    return f" on each of {trainer.ranks.size} ranks" if trainer.ranks.size > 1 else ""


def _ids_file(trainer: Trainer) -> str:
    path = trainer.corpus.ids_file
    return "" if path is None else f"; the text's ids stay in {path}"


def _bptt(config: Config) -> str:
    bptt = config.bptt
    name = "full BPTT" if bptt.mode == "full" else f"BPTT({bptt.k1}, {bptt.k2})"
    return name + (", 1997 truncation" if bptt.cell_truncation == "1997" else "")


def say(text: str, stream: TextIO | None = None) -> None:
    """Print at once, to stderr by default. Where nobody reads, nobody is told."""
    with suppress(OSError):
        print(printable(text), file=stream or sys.stderr, flush=True)


def _trained(event: Evaluated) -> str:
    """The training loss since the last evaluation; nothing where no step was made since."""
    return f"train {event.train_loss:.4f}  " if isfinite(event.train_loss) else ""


class Console:
    """Prints events. `verbosity`: 1 progress and evaluations, 2 every line there is.

    `bar`: the kind of bar where `stream` is no terminal, as in a notebook. A stream that fails, of
    a terminal that was closed or a full disk, is given up, and training goes on.
    """

    def __init__(
        self, trainer: Trainer, verbosity: int, stream: TextIO,
        bar: type[tqdm[Any]] | None = None,
    ) -> None:  # fmt: skip
        self._trainer, self._stream, self._verbosity = trainer, stream, verbosity
        self._last_line = self._began = time.perf_counter()
        self._characters = 0
        self._share_at_start = trainer.share
        self._losses: list[float] = []
        # A log wants plain lines, and an old terminal plain letters.
        self._failed = False
        self.draws = stream.isatty() and "utf" in (stream.encoding or "").lower()
        self._bar = make_bar(stream, bar, trainer.share)

    def __call__(self, event: Event) -> None:
        """Print what there is to say of it."""
        with self._giving_up():
            self._show(event)

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        """Print no more once the stream has failed."""
        try:
            yield
        except OSError:
            self._failed = True

    def _show(self, event: Event) -> None:
        if self._failed:
            return
        if isinstance(event, Stepped):
            self._step(event)
        elif isinstance(event, Evaluated):
            shown, unit = bits(event.val_loss), self._trainer.corpus.vocabulary.unit
            mark = "  best" if event.is_best else ""
            self._print(
                f"step {event.step:,}  epoch {event.epoch:.2f}  {_trained(event)}"
                f"val {event.val_loss:.4f} nats = {shown:.4f} bits/{unit}{mark}{self._curve(event)}"
            )
        elif isinstance(event, Sampled):
            self._sample(event.text)
        elif isinstance(event, Previewed):
            self._sample(event.text, whole=event.asked)
        elif isinstance(event, Saved) and self._verbosity > 1:
            self._print(f"saved {event.path}")
        elif isinstance(event, Finished):
            self._print(f"finished: {event.reason}")
        elif isinstance(event, Mixed):
            val = "" if event.val_loss is None else f": val {event.val_loss:.4f} nats"
            self._print(f"mixed with an n-gram of order {event.order}{val}")
        elif isinstance(event, Interrupted):
            self._print(f"stopped at step {event.step:,} by a signal; everything is saved")

    def introduce(
        self, config: Config, run: Path, threads: int, plan: Plan | None = None, *,
        keys: bool = False,
    ) -> None:  # fmt: skip
        """Print what the run is about to do; `keys`: those of the terminal are read."""
        told = [] if plan is None else plan_lines(plan)
        lines = [f"{'' if n else 'plan':10}{line}" for n, line in enumerate(told)]
        lines += introduction(self._trainer, config, run, threads)
        if keys and self.draws:
            lines.append("samples   as it learns; Enter shows one at once")
        with self._giving_up():
            self._print("\n".join(lines))

    def _step(self, event: Stepped) -> None:
        now = time.perf_counter()
        if not self._characters:  # compiling, which came before, is no training
            self._began = now - (event.seconds - self._trainer.clock.before)
        self._characters += event.characters
        if self._bar is None and (now - self._last_line < LINE_EVERY_SECONDS):
            return
        if self._bar is not None and now - self._last_line < 0.1:
            return
        self._last_line = now
        unit = self._trainer.corpus.vocabulary.unit
        speed = self._characters / max(now - self._began, 1e-9)
        # Where a terminal is narrow, the fields of the lowest rank are left out.
        fields = [
            (7, self._left(event, now)),
            (5, f"step {event.step:,}"),
            (3, f"epoch {event.epoch:.2f}"),
            (8, f"loss {event.loss:.3f} nats"),
            (4, f"{bits(event.loss):.3f} bits"),
            (6, f"{speed:,.0f} {unit}s/s"),
            (2, f"|g| {event.grad_norm:.2g}"),
            (1, f"lr {event.learning_rate:.3g}"),
        ]
        fields = [field for field in fields if field[1]]
        if self._bar is None:
            self._print("  ".join(text for _, text in fields))
        else:
            show(self._bar, event.share, fields)

    def _curve(self, event: Evaluated) -> str:
        """The validation losses so far, drawn behind the newest on a terminal."""
        self._losses.append(event.val_loss)
        if not self.draws or len(self._losses) < 2:
            return ""
        return "  " + sparkline(self._losses)

    def _sample(self, text: str, *, whole: bool = False) -> None:
        """Set apart: its beginning on a terminal, all of it with -v or where it was asked for."""
        lines = printable(text).rstrip("\n").split("\n")
        whole = whole or self._verbosity > 1
        if self.draws and self._verbosity < 2:
            shown = lines if whole else lines[:SAMPLE_LINES]
            self._write("\n".join(f"\x1b[2m  │ {line}\x1b[0m" for line in shown))
        elif whole:
            self._print("  | " + "\n  | ".join(lines))

    def _left(self, event: Stepped, now: float) -> str:
        done = event.share - self._share_at_start
        if done <= 0:
            return ""
        seconds = (now - self._began) * (1 - event.share) / done
        return f"{duration(seconds)} left"

    def _print(self, text: str) -> None:
        self._write(printable(text))

    def _write(self, text: str) -> None:
        if self._bar is not None:
            self._bar.write(text, file=self._stream)
        else:
            print(text, file=self._stream, flush=True)

    def close(self) -> None:
        if self._bar is not None:
            with self._giving_up():
                self._bar.close()
