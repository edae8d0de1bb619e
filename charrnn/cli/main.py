"""`charrnn`: the group of commands, and the one place where errors become exit codes."""

from __future__ import annotations

import importlib
import io
import os
import sys
import warnings
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import click
from click.shell_completion import CompletionItem, add_completion_class

from charrnn import __version__
from charrnn.cli.streams import ReaderGone, echo, say, take_over
from charrnn.errors import CharrnnError, InterruptedRunError, Notice, printable
from charrnn.runtime.progress import Done, listening

# Named here so that `charrnn --help` imports none of them, and so no NumPy.
COMMANDS = {
    "train": "Train a model on a text.",
    "sweep": "Train a grid of settings and tabulate the results.",
    "runs": "List runs: what they are, and how far and how good.",
    "mix": "Add an n-gram of its training text to a run.",
    "sample": "Write text in the manner of a trained model.",
    "gradcheck": "Prove the gradients of a configuration or a run.",
    "gradflow": "Measure how far gradients reach back, and what truncation costs.",
    "eval": "Score a model on a text it has not seen.",
    "score": "Score texts by a model: nats of each character, line or file.",
    "report": "Write one HTML page about a run, or its curves as a picture.",
    "inspect": "Show what a run or checkpoint holds.",
    "export": "Write a model for PyTorch or an ONNX runtime.",
    "corpus": "Show what is in a text, and how to begin.",
    "config": "Show, check or describe a configuration.",
    "completion": "Print what makes a shell complete charrnn's commands.",
}


class LazyGroup(click.Group):
    """Imports a command's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"charrnn.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [CompletionItem(name, help=COMMANDS[name]) for name in names] + options

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            what = f"No such command '{printable(args[0])}'."
            # What is there for mistakes is imported where one is made: help should not wait for it.
            from charrnn.cli.mistakes import explain_command

            raise click.UsageError(what + explain_command(args[0], COMMANDS), ctx) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="charrnn")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Train, sample and prove character-level RNN, LSTM and GRU language models.

    \b
    Examples:
      charrnn train --text my.txt --minutes 10
      charrnn sample runs/my-1 --length 500
      charrnn gradcheck configs/char-rnn.yaml
    """
    ctx.with_resource(warnings.catch_warnings())
    warnings.simplefilter("always", Notice)
    warnings.showwarning = partial(_show, warnings.showwarning)
    ctx.with_resource(listening(_draw if _tells() else None))


def _draw(what: str, total: float | None) -> AbstractContextManager[Done]:
    """Show on stderr what takes more than a moment; a command with -q shows nothing."""
    from charrnn.report.progress import Progress

    return Progress(sys.stderr)(what, total)


def _show(otherwise: Any, message: Warning | str, category: type[Warning], *where: Any) -> None:
    """A notice is a line on stderr."""
    if not isinstance(message, Notice):
        otherwise(message, category, *where)
        return
    from charrnn.cli.spelling import in_options

    say(f"notice: {in_options(message.message)}")


def _tells() -> bool:
    """Whether this is no process of an `mpiexec`, or the first, which shows the mistakes of all."""
    from charrnn.runtime.mpi_launch import started

    return started().rank == 0


def _show_usage(error: click.ClickException) -> None:
    from charrnn.cli.mistakes import explain_usage

    told = io.StringIO()  # click writes it piece by piece
    (explain_usage(error) if isinstance(error, click.UsageError) else error).show(told)
    echo(told.getvalue(), err=True, nl=False)


def main() -> None:
    """Run the command line; exit with the code that docs/errors.md lists."""
    take_over()
    if os.environ.get("_CHARRNN_COMPLETE", "").startswith("bash"):
        from charrnn.cli.completion import Bash

        add_completion_class(Bash)
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        if _tells():
            _show_usage(error)
        sys.exit(error.exit_code)
    except CharrnnError as error:
        if _tells() or not isinstance(error, InterruptedRunError):  # which all ranks have
            from charrnn.cli.spelling import in_options

            echo(f"error: {in_options(error.message)}", err=True)
        sys.exit(error.exit_code)
    except ReaderGone:
        sys.exit(0)
    except MemoryError as error:
        echo(f"error: not enough memory: {error}\n  try smaller sizes", err=True)
        sys.exit(2)
    except OSError as error:
        echo(f"error: {error.filename or 'input or output'}: {error.strerror or error}", err=True)
        sys.exit(4)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
