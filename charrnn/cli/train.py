"""charrnn train"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from charrnn import build
from charrnn.api.compiling import prepare
from charrnn.cli import completing
from charrnn.cli.kernels import missing, tell
from charrnn.cli.options import format_option, set_option, threads
from charrnn.cli.output import to_json
from charrnn.cli.spelling import in_options
from charrnn.config import load
from charrnn.data.files import STDIN
from charrnn.errors import InterruptedRunError, UsageError
from charrnn.report.advice import Advice
from charrnn.report.tensorboard import TensorBoard, writer
from charrnn.report.terminal import Console, introduce, say
from charrnn.runs.joining import join_ranks
from charrnn.runs.launch import Launch
from charrnn.runs.records import Summary, record
from charrnn.runs.resume import resume_run
from charrnn.runs.start import start_run
from charrnn.runtime.signals import StopSignal
from charrnn.runtime.world import world
from charrnn.training.events import Event, Interrupted


@click.command("train")
@click.argument("config", required=False, shell_complete=completing.files)
@click.option(
    "--text",
    multiple=True,
    metavar="FILE|-",
    shell_complete=completing.files,
    help="Text to train on, a file or - for stdin; repeatable.",
)
@set_option
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder [runs/NAME-N].")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of everything random [train.seed].")
@click.option(
    "--steps",
    type=click.IntRange(min=0),
    help="Updates to stop after; 0 writes the initial model.",
)
@click.option(
    "--resume",
    "resumed",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with a run from its last checkpoint.",
)
@click.option(
    "--accept-changes",
    is_flag=True,
    help="With --resume: go on with another configuration or text.",
)
@click.option(
    "--init-from",
    type=click.Path(path_type=Path),
    metavar="RUN|CKPT|FILE",
    help="Begin with the parameters and vocabulary of a model, charrnn's or PyTorch's.",
)
@click.option("--tensorboard", is_flag=True, help="TensorBoard's files too, in RUN/tensorboard.")
@format_option
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@click.option("-v", "--verbose", is_flag=True, help="Samples and checkpoints on stderr too.")
def command(config: str | None, text: tuple[str, ...], sets: tuple[str, ...], out: Path | None,
            seed: int | None, steps: int | None, resumed: Path | None, accept_changes: bool,
            init_from: Path | None, tensorboard: bool, form: str, quiet: bool,
            verbose: bool) -> None:  # fmt: skip
    """Train a model on a text, from a YAML CONFIG or the built-in defaults.

    Losses are in nats per character. Ctrl-C saves, and says how to resume.

    \b
    Examples:
      charrnn train configs/quickstart.yaml
      charrnn train --text my.txt --set model.hidden_size=256 --set train.epochs=10
      charrnn train --resume runs/quickstart-1
    """
    flags = {"train.seed": seed, "train.steps": steps, "data.text": list(text) or None}
    given = {key: value for key, value in flags.items() if value is not None}

    def launched() -> Launch:
        if tensorboard:
            writer()  # before there is a run
        if resumed is None:
            if accept_changes:
                raise UsageError("--accept-changes belongs to --resume")
            return start_run(load(config, sets, given), _name(config, text), out, init_from)
        _require_same_run(resumed, config, out, init_from)
        if STDIN in text:
            raise UsageError("--resume takes its text from a file, not from stdin")
        return resume_run(resumed, given, sets, accept_changes=accept_changes)

    with world() as ranks:
        launch = join_ranks(ranks, launched)
        if ranks.rank:
            return _follow(launch)
        values = _run(launch, 0 if quiet else 2 if verbose else 1, tensorboard)
    if form == "json":
        click.echo(to_json(values))
    else:
        click.echo(_closing(values))


def _name(config: str | None, text: tuple[str, ...]) -> str:
    """What the run's folder is called, before its number."""
    source = config or (text[0] if text else "run")
    return "stdin" if source == STDIN else Path(source).stem


def _require_same_run(
    path: Path, config: str | None, out: Path | None, init_from: Path | None
) -> None:
    if config or out or init_from:
        raise UsageError(
            "--resume goes on in the run's own folder, with its own model and configuration",
            then="to change keys on the way: --set KEY=VALUE --accept-changes; to begin a new run "
            f"from this one's model: --init-from {path}",
        )


def _run(launch: Launch, verbosity: int, tensorboard: bool) -> dict[str, Any]:
    trainer, run, summary = launch.trainer, launch.run, Summary(launch)
    plan = build.threads(launch.config)
    with threads(plan.blas), StopSignal() as stop:
        _notice(*launch.notices, *missing(launch.config))
        if verbosity:
            lines = introduce(trainer, launch.config, run.path, plan.count)
            say("\n".join(lines))
        began = time.perf_counter()
        prepare(trainer.network, tell)
        console = Console(trainer, verbosity)
        advice = Advice(trainer.network.K, trainer.step == 0 and launch.fresh, tell=console.notice)
        event = None
        with ExitStack() as stack:
            stack.callback(console.close)
            reporters: list[Callable[[Event], None]] = [console, summary, advice]
            if tensorboard:
                board = TensorBoard(run.path, trainer.step)
                stack.callback(board.close)
                reporters.append(board)
            for event in record(launch, stop):
                for reporter in reporters:
                    reporter(event)
    _notice(*filter(None, [advice.end()]))
    _require_finished(event, run.path)
    return summary.done(time.perf_counter() - began)


def _follow(launch: Launch) -> None:
    """What a rank does that neither writes nor prints."""
    last: Event | None = None
    with threads(build.threads(launch.config).blas), StopSignal(quiet=True) as stop:
        prepare(launch.trainer.network, lambda _: None)
        for event in record(launch, stop):
            last = event
    _require_finished(last, launch.run.path)


def _require_finished(event: Event | None, run: Path) -> None:
    if isinstance(event, Interrupted):
        raise InterruptedRunError(
            event.signal, f"interrupted; step {event.step:,} is saved",
            then=f"go on with: charrnn train --resume {run}",
        )  # fmt: skip


def _notice(*texts: str) -> None:
    for text in texts:
        say(f"notice: {in_options(text)}")


def _closing(values: dict[str, Any]) -> str:
    lines = [f"run: {values['run']}"]
    if values["val_loss"] is not None:
        lines.append(
            f"validation: {values['val_loss']:.4f} nats = {values['val_bpc']:.4f} bits per "
            f"character; best {values['best_val_loss']:.4f} at step {values['best_step']:,}"
        )
    return "\n".join([*lines, f"next: charrnn sample {values['run']}"])
