"""charrnn train"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from charrnn.api.run import Run, ending_stop
from charrnn.api.training import resume, train
from charrnn.cli import completion
from charrnn.cli.options import argument_option, format_option, hush, set_option
from charrnn.cli.spelling import in_options
from charrnn.cli.streams import echo, to_json
from charrnn.data.vocabulary import unit_name
from charrnn.errors import InterruptedRunError, UsageError, argument, call


@click.command("train")
@click.argument("config", required=False, shell_complete=completion.files)
@click.option("--text", "files", multiple=True, metavar="FILE|-", shell_complete=completion.files,
              help="Text to train on, a file or - for stdin; repeatable.")  # fmt: skip
@set_option
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder [runs/NAME-N].")
@argument_option("seed", help="Seed of everything random [train.seed].")
@argument_option("steps", help="Updates to stop after; 0 writes the initial model.")
@argument_option("epochs", help="Passes over the training text to stop after [train.epochs].")
@argument_option("minutes", help="Minutes that all of it may take. Without CONFIG the rest is "
                 "planned for them; with one, as many epochs as fit.")  # fmt: skip
@click.option("--resume", "resumed", type=click.Path(path_type=Path), metavar="RUN",
              help="Go on with a run from its last checkpoint; --steps, --epochs and --minutes "
              "make it longer.")  # fmt: skip
@click.option("--accept-changes", is_flag=True,
              help="With --resume: go on with another configuration or text.")  # fmt: skip
@click.option("--init-from", type=click.Path(path_type=Path), metavar="RUN|CKPT|FILE",
              help="Begin with the parameters and vocabulary of a model, charrnn's or PyTorch's.",
              )  # fmt: skip
@click.option("--tensorboard", is_flag=True, help="TensorBoard's files too, in RUN/tensorboard.")
@format_option
@click.option("-q", "--quiet", is_flag=True, callback=hush, help="No progress on stderr.")
@click.option("-v", "--verbose", is_flag=True, help="Samples and checkpoints on stderr too.")
def command(config: str | None, files: tuple[str, ...], resumed: Path | None, quiet: bool,
            verbose: bool, form: str, out: Path | None, init_from: Path | None,
            accept_changes: bool, **given: Any) -> None:  # fmt: skip
    """Train a model on a text: from a YAML CONFIG, or as planned for the text and some minutes.

    The plan is for this machine too. With --set, --steps, --epochs or --init-from, and neither
    CONFIG nor --minutes, the built-in defaults are used. Losses are in nats per character.
    Ctrl-C saves, and says how to resume. Enter, or SIGUSR1, shows a sample at once.

    \b
    Examples:
      charrnn train --text my.txt --minutes 10
      charrnn train configs/quickstart.yaml
      charrnn train --text my.txt --set model.hidden_size=256 --set train.epochs=10
      charrnn train --resume runs/quickstart-1
    """
    given |= {"files": files or None, "progress": not quiet and ("verbose" if verbose else True)}
    with ending_stop() as stop:
        if resumed is None:
            if accept_changes:
                raise UsageError(f"{argument('accept_changes')} belongs to {argument('resume')}")
            run = train(config, out=out, init_from=init_from, stop=stop, **given)
        else:
            if config or out or init_from:
                raise _other_run(resumed, config, out, init_from)
            run = resume(resumed, accept_changes=accept_changes, stop=stop, **given)
    if run.interrupted:
        raise InterruptedRunError(run.signal, f"interrupted; step {run.step:,} is saved",
                                  then=f"go on with: {call('resume', str(run))}")  # fmt: skip
    if run.summary:
        echo(to_json(run.summary) if form == "json" else _closing(run))


def _other_run(
    resumed: Path, config: str | None, out: Path | None, init_from: Path | None
) -> UsageError:
    """What was asked for besides resuming, and how it is done."""
    advice = []
    if config:
        changed = f"{argument('settings', 'KEY=VALUE')} {argument('accept_changes')}"
        advice.append(f"to change keys of the run, in place of {config}: {changed}")
    if out or init_from:
        new = call("train", config, init_from=str(init_from or resumed), out=out and str(out))
        advice.append(f"to start a new run from a model, without {argument('resume')}: {new}")
    return UsageError(
        f"{argument('resume')} continues in the run's own folder, with its own model and "
        "configuration",
        then="; ".join(advice),
    )


def _closing(run: Run) -> str:
    values, one = run.summary, unit_name(run.summary["unit"])
    lines = [f"run: {run}"]
    if values["val_loss"] is not None:
        lines.append(
            f"validation: {values['val_loss']:.4f} nats = {values['val_bpc']:.4f} bits per "
            f"{one}; best {values['best_val_loss']:.4f} at step {values['best_step']:,}"
        )
    if values["mixture_val_loss"] is not None:
        lines.append(
            f"mixed with the n-gram: {values['mixture_val_loss']:.4f} nats per {one}, by "
            "weights that learn as it reads"
        )
    return "\n".join([*lines, f"next: {in_options(call('sample', str(run)))}"])
