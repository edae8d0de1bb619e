"""charrnn train"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from charrnn.cli.options import format_option, set_option, threads
from charrnn.cli.output import to_json
from charrnn.config import load
from charrnn.errors import InterruptedRunError, UsageError
from charrnn.launching import Launch, begin, resume
from charrnn.report import Advice, Console, MetricsFile, SampleFile, Summary
from charrnn.report.console import introduce, say
from charrnn.training import train
from charrnn.training.events import Event, Interrupted
from charrnn.training.interrupt import StopSignal


@click.command("train")
@click.argument("config", required=False)
@click.option("--text", multiple=True, metavar="FILE", help="Text to train on; repeatable.")
@set_option
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder [runs/NAME-N].")
@click.option("--seed", type=int, help="Seed of everything random [train.seed].")
@click.option("--steps", type=int, help="Updates to stop after; 0 writes the initial model.")
@click.option(
    "--resume",
    "resumed",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with a run from its last checkpoint.",
)
@click.option(
    "--init-from",
    type=click.Path(path_type=Path),
    metavar="RUN|CKPT",
    help="Begin with the parameters and vocabulary of a model.",
)
@format_option
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@click.option("-v", "--verbose", is_flag=True, help="Samples and checkpoints on stderr too.")
def command(config: str | None, text: tuple[str, ...], sets: tuple[str, ...], out: Path | None,
            seed: int | None, steps: int | None, resumed: Path | None, init_from: Path | None,
            form: str, quiet: bool, verbose: bool) -> None:  # fmt: skip
    """Train a model on a text, from a YAML CONFIG or the built-in defaults.

    Losses are in nats per character. Ctrl-C finishes the step, saves, and says how to resume.

    \b
    Examples:
      charrnn train configs/quickstart.yaml
      charrnn train --text my.txt --set model.hidden_size=256 --set train.epochs=10
      charrnn train --resume runs/quickstart-1
    """
    flags = {"train.seed": seed, "train.steps": steps, "data.text": list(text) or None}
    given = {key: value for key, value in flags.items() if value is not None}
    if resumed is not None:
        launch = _resume(resumed, config, sets, out, init_from, given)
    else:
        name = Path(config or (text[0] if text else "run")).stem
        launch = begin(load(config, sets, given), name, out, init_from)
    values = _run(launch, 0 if quiet else 2 if verbose else 1)
    if form == "json":
        click.echo(to_json(values))
    else:
        click.echo(_closing(values))


def _resume(path: Path, config: str | None, sets: tuple[str, ...], out: Path | None,
            init_from: Path | None, given: dict[str, Any]) -> Launch:  # fmt: skip
    if config or sets or out or init_from or set(given) - {"train.steps"}:
        raise UsageError(
            "--resume goes on with the run's own configuration; only --steps can be changed",
            then=f"to begin a new run from this one's model: --init-from {path}",
        )
    return resume(path, given)


def _run(launch: Launch, verbosity: int) -> dict[str, Any]:
    session, run = launch.session, launch.run
    summary = Summary(run.path, session.network.params.flat.size)
    best = None if session.best_step is None else session.best_loss
    summary.begin(session.step, session.epoch, best, session.best_step)
    with threads(launch.config.runtime.threads) as count, StopSignal() as stop:
        _notice(*launch.notices)
        if verbosity:
            lines = introduce(session, launch.config, run.path, count)
            say("\n".join(lines))
        began = time.perf_counter()
        advice = Advice(session.network.K, from_scratch=session.step == 0 and launch.fresh)
        console, metrics = Console(session, verbosity), MetricsFile(run.metrics)
        reporters: list[Callable[[Event], None]] = [
            console,
            metrics,
            SampleFile(run.samples),
            summary,
            advice,
        ]
        event = None
        for event in train(session, run.checkpoints, stop):
            for reporter in reporters:
                reporter(event)
        console.close()
        metrics.close()
    _notice(*filter(None, (advice.start(), advice.end())))
    if isinstance(event, Interrupted):
        raise InterruptedRunError(
            event.signal, f"interrupted; step {event.step:,} is saved",
            then=f"go on with: charrnn train --resume {run.path}",
        )  # fmt: skip
    return summary.done(time.perf_counter() - began)


def _notice(*texts: str) -> None:
    for text in texts:
        say(f"notice: {text}")


def _closing(values: dict[str, Any]) -> str:
    lines = [f"run: {values['run']}"]
    if values["val_loss"] is not None:
        lines.append(
            f"validation: {values['val_loss']:.4f} nats = {values['val_bpc']:.4f} bits per "
            f"character; best {values['best_val_loss']:.4f} at step {values['best_step']:,}"
        )
    return "\n".join([*lines, f"next: charrnn sample {values['run']}"])
