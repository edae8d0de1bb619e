"""`charrnn.train` and `charrnn.resume`, which `charrnn train` runs too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from os import fspath
from pathlib import Path
from typing import Any

from charrnn import build
from charrnn.api.arguments import require
from charrnn.api.planning import DEFAULT_MINUTES, planner_for
from charrnn.api.run import Run, Training
from charrnn.api.settings import AnyConfig, AnyPath, flags, load_config, name_of
from charrnn.api.showing import Progress, display, prepare, require_progress
from charrnn.config.schema import STDIN
from charrnn.errors import UsageError, argument, notice
from charrnn.report.advice import Advice
from charrnn.report.tensorboard import TensorBoard, require_tensorboard
from charrnn.runs.changes import is_length_given
from charrnn.runs.joining import join_ranks
from charrnn.runs.listing import find_run
from charrnn.runs.resume import resume_run
from charrnn.runs.start import Launch, start_run
from charrnn.runtime.installation import install_command
from charrnn.runtime.requests import Requests, reads_keys
from charrnn.runtime.signals import StopSignal
from charrnn.runtime.world import world
from charrnn.training.events import Event
from charrnn.training.previews import Previews

Consumer = Callable[[Event], object]
Consumers = Consumer | Iterable[Consumer]
Files = AnyPath | Sequence[AnyPath]
AnyStop = threading.Event | StopSignal | None
_PLANNED_WITH = {"data.text", "train.seed"}  # keys that leave all the others to the plan
PLANNED = (
    f"planned for {DEFAULT_MINUTES:g} minutes, which {argument('minutes')} changes; Ctrl-C keeps "
    "what there is"
)
NOT_PLANNED = (
    f"what is not set is as built in, epochs too; {argument('minutes', DEFAULT_MINUTES)} plans it"
)
FASTER = "compiled kernels train an LSTM 2×128 1.6 times as fast"


def train(
    config: AnyConfig = None,
    *,
    files: Files | None = None,
    settings: Mapping[str, Any] | None = None,
    out: AnyPath | None = None,
    seed: int | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    minutes: float | None = None,
    init_from: AnyPath | None = None,
    on_event: Consumers = (),
    progress: Progress = "auto",
    tensorboard: bool = False,
    stop: AnyStop = None,
) -> Run:
    """Train a model, as `charrnn train`, and return its run.

    `config`, `files` and `settings`: see `load_config`. `out`: the run's folder, else runs/NAME-N.
    `steps`, `epochs`, `minutes`: where it ends, at the first of them and of the configuration's.
    `minutes` are those of all that it does: without a configuration the others are chosen for them
    (`charrnn.plan`), those of `settings` held; with one, its epochs are as many as fit. Where only
    `files`, `out` or `seed` are given it is planned for ten minutes.
    `init_from`: a model whose parameters and vocabulary it begins with. `on_event`: called with
    every event of `charrnn.events`, in their order. `progress`: a bar on a terminal or in a
    notebook ("auto"), always something (True), samples and checkpoints too ("verbose"), or nothing.
    `tensorboard`: TensorBoard's files too. Started by an `mpiexec`, its ranks train one run; the
    first has events and a summary.

    Ctrl-C, or setting `stop` (from a callback, or another thread), saves and returns the run with
    `interrupted` set. Raises ConfigError, DataError, CheckpointError and DivergenceError.

    >>> losses = []
    >>> def watch(event):
    ...     if isinstance(event, charrnn.events.Evaluated):
    ...         losses.append(event.val_loss)
    >>> run = charrnn.train(
    ...     files="my.txt",
    ...     settings={"model.hidden_size": 8, "train.batch_size": 4, "train.eval_every": 5},
    ...     steps=10,
    ...     out="runs/watched",
    ...     on_event=watch,
    ... )
    >>> len(losses), run.summary["step"], run.interrupted
    (2, 10, False)
    """
    return _run(
        lambda: _begin(config, files, settings, out, init_from, seed, steps, epochs, minutes),
        on_event, progress, tensorboard, stop,
    )  # fmt: skip


def resume(
    run: AnyPath,
    *,
    files: Files | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    minutes: float | None = None,
    accept_changes: bool = False,
    on_event: Consumers = (),
    progress: Progress = "auto",
    tensorboard: bool = False,
    stop: AnyStop = None,
) -> Run:
    """Go on with a run from its last checkpoint, as `charrnn train --resume`.

    Of `files`, `settings` and `seed`, what changes the run needs `accept_changes`. `steps`,
    `epochs` and `minutes` count from the run's beginning, and make it longer whichever limit ended
    it. The rest is as in `train`.

    >>> charrnn.resume("runs/tiny", steps=22).summary["step"]
    22
    """
    own = {"seed": seed, "steps": steps, "epochs": epochs, "minutes": minutes}
    require(**own)
    given = flags(files, settings, **own)
    if STDIN in given.get("data.text", ()):
        raise UsageError("a run that goes on takes its text from a file, not from stdin",
                         where=argument("files"))  # fmt: skip
    return _run(
        lambda: resume_run(find_run(run), given, accept_changes=accept_changes),
        on_event, progress, tensorboard, stop,
    )  # fmt: skip


def training_events(
    config: AnyConfig = None,
    *,
    files: Files | None = None,
    settings: Mapping[str, Any] | None = None,
    out: AnyPath | None = None,
    seed: int | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    minutes: float | None = None,
    init_from: AnyPath | None = None,
) -> Training:
    """The same as an iterator of events: training goes on as it is read.

    Signals are left alone, and nothing is shown. The arguments are those of `train`.

    >>> with charrnn.training_events(
    ...     files="my.txt", settings={"model.hidden_size": 8, "train.batch_size": 4}
    ... ) as training:
    ...     for event in training:
    ...         if isinstance(event, charrnn.events.Stepped) and event.step == 3:
    ...             training.stop()
    >>> training.run.summary["step"], training.run.interrupted
    (3, True)
    """
    launch = _begin(config, files, settings, out, init_from, seed, steps, epochs, minutes)
    _tell(launch)
    return Training(launch)


def _begin(
    config: AnyConfig, files: Files | None, settings: Mapping[str, Any] | None,
    out: AnyPath | None, init_from: AnyPath | None,
    seed: int | None, steps: int | None, epochs: float | None, minutes: float | None,
) -> Launch:  # fmt: skip
    began = time.perf_counter()
    own = {"seed": seed, "steps": steps, "epochs": epochs, "minutes": minutes}
    require(**own)
    given = flags(files, settings, **own)
    whole = load_config(config, given)
    source = None if init_from is None else find_run(init_from)
    unasked = config is None and source is None and given.keys() <= _PLANNED_WITH
    planner = (
        planner_for(config, given, minutes or DEFAULT_MINUTES, began)
        if unasked or minutes is not None else None
    )  # fmt: skip
    name = name_of(config, None if files is None else whole.data.text[0])
    launch = start_run(whole, name, _path(out), source, planner)
    if unasked and minutes is None:
        launch.notices.append(PLANNED)
    elif planner is None and config is None and source is None and not is_length_given(given):
        launch.notices.append(NOT_PLANNED)
    return launch


def _run(
    launch: Callable[[], Launch], on_event: Consumers, progress: Progress, tensorboard: bool,
    asked: AnyStop,
) -> Run:  # fmt: skip
    """Train in this process or in all ranks; the first one tells and shows what happens."""
    require_progress(progress)  # before there is a run
    if tensorboard:
        require_tensorboard()
    callbacks = [on_event] if callable(on_event) else list(on_event)
    with world() as ranks, ExitStack() as stack:
        # Signals and the terminal belong to a program that ends with its run.
        requests = stack.enter_context(Requests()) if isinstance(asked, StopSignal) else None
        launched = join_ranks(ranks, launch)
        if not ranks.rank:
            _tell(launched)
        stop = (
            asked if isinstance(asked, StopSignal)
            else stack.enter_context(StopSignal(embedded=True, wanted=asked))
        )  # fmt: skip
        previews = Previews() if requests is None else Previews(requests.taken)
        training = stack.enter_context(Training(launched, stop, previews))
        if ranks.rank:
            prepare(training.trainer.network, lambda _: None)
            for _ in training:
                pass
            return training.run
        keys = requests is not None and reads_keys()
        with _consumers(training, launched, progress, tensorboard, previews, keys=keys) as shown:
            for event in training:
                for consumer in [*shown, *callbacks]:
                    _give(event, consumer, stop)
        return training.run


@contextmanager
def _consumers(
    training: Training, launch: Launch, progress: Progress, tensorboard: bool, previews: Previews,
    *, keys: bool,
) -> Iterator[list[Consumer]]:  # fmt: skip
    """Whatever shows or records the events; what is to be said at the end is said at their end."""
    trainer = training.trainer
    dropout = bool(trainer.network.dropout or trainer.weight_dropout)
    data = launch.config.data
    advice = Advice(
        trainer.network.K, training.fresh, notice, dropout=dropout,
        by_position=data.mode == "stream" and data.split_by == "position",
    )  # fmt: skip
    with ExitStack() as stack:
        consoles = stack.enter_context(display(trainer, progress))
        for console in consoles:
            previews.by_time = console.draws and trainer.intervals.sample_length > 0
            console.introduce(
                launch.config,
                launch.run.path,
                build.threads(launch.config).count,
                launch.plan,
                keys=keys,
            )
        prepare(trainer.network)
        consumers: list[Consumer] = [*consoles, advice]
        if tensorboard:
            consumers.append(
                stack.enter_context(closing(TensorBoard(launch.run.path, trainer.step)))
            )
        yield consumers
    if (sentence := advice.end()) is not None:
        notice(sentence)


def _give(event: Event, consumer: Consumer, stop: StopSignal) -> None:
    """A Ctrl-C that reaches a callback, between two updates, stops as any other."""
    try:
        consumer(event)
    except KeyboardInterrupt:
        if stop.requested:
            raise
        stop.wanted.set()


def _tell(launch: Launch) -> None:
    for text in launch.notices:
        notice(text)
    if build.would_be_faster(launch.config):
        notice(f"{FASTER}: {install_command('fast')}")


def _path(path: AnyPath | None) -> Path | None:
    return None if path is None else Path(fspath(path))
