"""`charrnn.train` and `charrnn.resume`: what `charrnn train` does, from Python."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from os import fspath
from pathlib import Path
from typing import Any, Literal

from charrnn.api.compiling import prepare
from charrnn.api.notices import notice
from charrnn.api.progress import display
from charrnn.api.run import Run
from charrnn.api.running import Training
from charrnn.api.settings import AnyConfig, AnyPath, flags, load_config, name_of
from charrnn.report.advice import Advice
from charrnn.runs.launch import Launch
from charrnn.runs.resume import resume_run
from charrnn.runs.start import start_run
from charrnn.runtime.signals import StopSignal
from charrnn.training.events import Event

Consumer = Callable[[Event], object]
Consumers = Consumer | Iterable[Consumer]
Progress = Literal["auto"] | bool
Files = AnyPath | Sequence[AnyPath]


def train(
    config: AnyConfig = None,
    *,
    files: Files | None = None,
    settings: Mapping[str, Any] | None = None,
    out: AnyPath | None = None,
    seed: int | None = None,
    steps: int | None = None,
    init_from: AnyPath | None = None,
    on_event: Consumers = (),
    progress: Progress = "auto",
    stop: threading.Event | None = None,
) -> Run:
    """Train a model, as `charrnn train`, and return its run.

    `config`, `files` and `settings`: see `load_config`. `out`: the run's folder, else runs/NAME-N.
    `init_from`: a model whose parameters and vocabulary it begins with. `on_event`: called with
    every event of `charrnn.events`, in their order. `progress`: a bar on a terminal or in a
    notebook ("auto"), always something (True), or nothing.

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
    launch = _begin(config, files, settings, out, seed, steps, init_from)
    return _run(launch, on_event, progress, stop)


def resume(
    run: AnyPath,
    *,
    files: Files | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    steps: int | None = None,
    accept_changes: bool = False,
    on_event: Consumers = (),
    progress: Progress = "auto",
    stop: threading.Event | None = None,
) -> Run:
    """Go on with a run from its last checkpoint, as `charrnn train --resume`.

    Of `files`, `settings` and `seed`, what changes the run needs `accept_changes`. The rest is as
    in `train`.

    >>> charrnn.resume("runs/tiny", steps=22).summary["step"]
    22
    """
    given = flags(files, settings, seed, steps)
    launch = resume_run(Path(fspath(run)), given, accept_changes=accept_changes)
    return _run(launch, on_event, progress, stop)


def training_events(
    config: AnyConfig = None,
    *,
    files: Files | None = None,
    settings: Mapping[str, Any] | None = None,
    out: AnyPath | None = None,
    seed: int | None = None,
    steps: int | None = None,
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
    launch = _begin(config, files, settings, out, seed, steps, init_from)
    _tell(launch)
    return Training(launch)


def _begin(
    config: AnyConfig, files: Files | None, settings: Mapping[str, Any] | None,
    out: AnyPath | None, seed: int | None, steps: int | None, init_from: AnyPath | None,
) -> Launch:  # fmt: skip
    whole = load_config(config, flags(files, settings, seed, steps))
    name = name_of(config, None if files is None else whole.data.text[0])
    return start_run(whole, name, _path(out), _path(init_from))


def _run(
    launch: Launch, on_event: Consumers, progress: Progress, asked: threading.Event | None
) -> Run:
    _tell(launch)
    callbacks: list[Consumer] = [on_event] if callable(on_event) else list(on_event)
    with ExitStack() as stack:
        stop = stack.enter_context(StopSignal(embedded=True, wanted=asked))
        training = stack.enter_context(Training(launch, stop))
        prepare(training.trainer.network, notice)
        shown = stack.enter_context(display(training.trainer, progress))
        advice = Advice(training.trainer.network.K, training.fresh, tell=notice)
        consumers: list[Consumer] = [*shown, advice, *callbacks]
        for event in training:
            for consumer in consumers:
                _give(event, consumer, stop)
    if (sentence := advice.end()) is not None:
        notice(sentence)
    return training.run


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


def _path(path: AnyPath | None) -> Path | None:
    return None if path is None else Path(fspath(path))
