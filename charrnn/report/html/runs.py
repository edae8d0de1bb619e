"""What a page shows of each run: its curves, samples, configuration and what was measured."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

from charrnn import build
from charrnn.config import Config, to_yaml
from charrnn.data.files import named
from charrnn.errors import UsageError, call
from charrnn.inference.metrics import bits
from charrnn.report.html.curves import NAMES, Curves, best_of, buckets, packed
from charrnn.runs.folder import RunFolder, own_lines
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.checkpoint_folder import read_from
from charrnn.training.state import SavedState

POINTS = 3000  # of a curve, for all runs together
FEWEST_POINTS = 200
SAMPLES, FEWEST_SAMPLES, SAMPLE_CHARACTERS = 40, 5, 2000
SAMPLES_BYTES = 1 << 26
_HEADING = re.compile(r"^--- step (\d{1,15})( \(final\))?\n", re.MULTILINE)
Json = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A run's folder and its best checkpoint."""

    name: str
    folder: RunFolder
    path: Path
    checkpoint: Checkpoint
    config: Config
    curves: Curves

    @property
    def K(self) -> int:
        return len(self.checkpoint.meta.vocabulary.symbols)

    @property
    def best(self) -> tuple[int, float] | None:
        """Step and validation loss of the best evaluation."""
        stored = SavedState.of(self.checkpoint, str(self.path)).best
        return (stored[1], stored[0]) if stored else best_of(self.curves)


def open_run(path: Path) -> Run:
    """Read what there is of a run. CheckpointError where it has no checkpoint that can be read."""
    if path.is_file():
        raise UsageError(
            "is a checkpoint, and a report is about a run's folder",
            where=str(path),
            then=call("write_report", str(path.parent.parent)),
        )
    best, checkpoint = read_from(path)
    folder = RunFolder(path)
    config = build.config_of(checkpoint, str(best))
    name = os.path.basename(os.path.abspath(path))
    return Run(name, folder, best, checkpoint, config, Curves(folder.lines()))


def names_of(runs: list[Run]) -> list[str]:
    """Names that tell runs apart: the folder's, or all of its path where two have the same."""
    names = [run.name for run in runs]
    return [
        name if names.count(name) == 1 else str(run.folder.path)
        for name, run in zip(names, runs, strict=True)
    ]


def describe(run: Run, name: str, runs: int) -> Json:
    """One run as JSON; `runs` share the room."""
    points = max(POINTS // runs, FEWEST_POINTS)
    clip = run.config.optim.grad_clip if run.config.optim.grad_clip_mode == "norm" else None
    return {
        "name": name,
        "curves": {key: packed(buckets(*run.curves.column(key), points)) for key in NAMES},
        "clock": run.curves.clock(),
        "clip": clip,
        "clipped": None if clip is None else run.curves.share_above("grad_norm", clip),
        "lnK": log(run.K),
        "samples": samples(run.folder.samples, max(SAMPLES // runs, FEWEST_SAMPLES)),
        "config": to_yaml(run.config),
        "facts": facts(run),
    }


def samples(path: Path, count: int = SAMPLES) -> list[Json]:
    """The samples of samples.txt; of more than `count`, some evenly apart, the last among them."""
    text = b"".join(_beginning(path)).decode("utf-8", "replace")
    headings = list(_HEADING.finditer(text))
    if not headings:
        return []
    ends = [*(heading.start() for heading in headings[1:]), len(text)]
    found = [
        {"step": int(h[1]), "text": text[h.end() : end].removesuffix("\n")[:SAMPLE_CHARACTERS]}
        for h, end in zip(headings, ends, strict=True)
    ]
    if len(found) <= count:
        return found
    return [found[index * (len(found) - 1) // (count - 1)] for index in range(count)]


def _beginning(path: Path) -> Iterator[bytes]:
    room = SAMPLES_BYTES
    for line in own_lines(path):
        yield line[:room]
        room -= len(line)
        if room <= 0:
            return


def facts(run: Run) -> list[list[str]]:
    """What was measured, and of what: rows of a name and a value."""
    meta, config, curves = run.checkpoint.meta, run.config, run.curves
    rows = [["best validation loss", _best(run)]]
    if len(curves):
        _, seconds = curves.column("seconds")
        _, epochs = curves.column("epoch")
        rows.append(["steps", f"{int(curves.steps[-1]):,}"])
        if len(epochs):
            rows[-1][1] += f" = {epochs[-1]:.2f} epochs"
        if len(seconds):
            rows.append(["time", duration(float(seconds[-1]))])
    _, speeds = curves.column("chars_per_second")
    if len(speeds):
        rows.append(["speed, mean of the log", f"{speeds.mean():,.0f} characters per second"])
    runtime, unit = config.runtime, meta.vocabulary.unit
    return [
        *rows,
        ["parameters", f"{build.parameter_count(config, run.K):,}"],
        ["model", describe_model(config)],
        ["vocabulary", f"K = {run.K} {unit}s; uniform baseline {log(run.K):.4f} nats"],
        ["asked of the machine", f"{runtime.dtype}, {runtime.kernels} kernels, "
         f"{runtime.threads} threads"],
        ["text", named(config.data.text)],
        ["checkpoint shown", f"{run.path.name}, step {meta.step:,}"],
    ]  # fmt: skip


def _best(run: Run) -> str:
    if run.best is None:
        return "none was measured"
    step, loss = run.best
    return f"{loss:.4f} nats = {bits(loss):.4f} bits per character, at step {step:,}"


def describe_model(config: Config) -> str:
    """The cell, layers and units in a few words."""
    model = config.model
    cell = build.cell(config, model.hidden_size)
    s = "s" * (model.num_layers > 1)
    return f"{cell.description}, {model.num_layers} layer{s} of {model.hidden_size} units"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{seconds:.1f} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
