"""The loop, from top to bottom. It prints nothing: it yields what happens."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from charrnn.data.corpus import BOUNDARY
from charrnn.inference.evaluation import evaluate
from charrnn.inference.sampling import Sampling, numpy_sampler, sample
from charrnn.nn.bptt import CancelledError
from charrnn.runtime.signals import StopSignal
from charrnn.storage.checkpoint_folder import CheckpointFolder
from charrnn.training.divergence import DivergedError, sane
from charrnn.training.events import (
    Evaluated,
    Event,
    Finished,
    Interrupted,
    Logged,
    Sampled,
    Saved,
    Saving,
    Stepped,
)
from charrnn.training.measures import Update
from charrnn.training.rollback import roll_back
from charrnn.training.state import snapshot
from charrnn.training.trainer import QUIET, Trainer

VALIDATION_STREAMS = 16


def train(trainer: Trainer, checkpoints: CheckpointFolder, stop: StopSignal) -> Iterator[Event]:
    """Update until a limit is reached or `stop` is asked for; evaluate, sample, save on the way.

    Every rank of the session's group runs it; each yields the events, and the first the samples.

    A divergence is rolled back as often as `session.limits` allows; then DivergenceError is raised.
    """
    trainer.start_clock()
    if checkpoints.last() is None:
        yield from _save(trainer, checkpoints, is_best=False)
    while True:
        try:
            yield from _course(trainer, checkpoints, stop)
            return
        except DivergedError as error:
            yield roll_back(trainer, checkpoints, error)


def _course(trainer: Trainer, checkpoints: CheckpointFolder, stop: StopSignal) -> Iterator[Event]:
    rhythm, clock = trainer.rhythm, _Clock(trainer)
    saved_at = evaluated_at = None
    reason = trainer.finished()

    def stop_requested() -> bool:
        return trainer.ranks.stop_requested(lambda: stop.requested)

    while reason is None:
        try:
            update = trainer.update(cancel=lambda: stop.requested)
        except CancelledError:
            yield from _save(trainer, checkpoints, is_best=False)
            yield _interrupted(trainer, stop)
            return
        clock.add(update.characters)
        yield _stepped(trainer, update)

        val_loss, is_best = None, False
        if trainer.is_due(rhythm.evaluate):
            with clock.paused():
                train_loss, val_loss = trainer.since_evaluation.value, validation_loss(trainer)
                trainer.since_evaluation.reset()
                evaluated_at = trainer.step
                if val_loss is not None:
                    is_best = trainer.record_validation(val_loss)
                    yield Evaluated(trainer.step, trainer.epoch, train_loss, val_loss, is_best)
                yield from _sampled(trainer)

        reason = trainer.finished()
        if trainer.step % rhythm.log == 0 or val_loss is not None:
            yield _logged(trainer, update, clock, val_loss)

        if is_best or trainer.is_due(rhythm.save) or stop_requested():
            with clock.paused():
                yield from _save(trainer, checkpoints, is_best)
                saved_at = trainer.step
        # A signal that arrives after the line above waits for the next save.
        if stop_requested() and saved_at == trainer.step:
            yield _interrupted(trainer, stop)
            return

    if saved_at != trainer.step:
        yield from _save(trainer, checkpoints, is_best=False)
    if trainer.step and evaluated_at != trainer.step:
        yield from _final_evaluation(trainer, checkpoints)
    yield Finished(trainer.step, reason)


def _final_evaluation(trainer: Trainer, checkpoints: CheckpointFolder) -> Iterator[Event]:
    """The run ended between two evaluations: one more, kept out of the last checkpoint.

    So a run that is continued from there is the same as one that never stopped.
    """
    train_loss, val_loss = trainer.since_evaluation.value, validation_loss(trainer)
    if val_loss is None:
        return
    if not trainer.since_evaluation.weight:  # the part of the run before this one did it
        is_best = trainer.best_step == trainer.step
        yield Evaluated(trainer.step, trainer.epoch, train_loss, val_loss, is_best)
        return
    is_best = trainer.record_validation(val_loss)
    yield Evaluated(trainer.step, trainer.epoch, train_loss, val_loss, is_best)
    yield from _sampled(trainer, final=True)
    yield Logged(
        trainer.step, trainer.epoch, train_loss, float("nan"), float("nan"), float("nan"),
        trainer.seconds, val_loss, final=True,
    )  # fmt: skip
    if is_best:
        yield Saved(trainer.step, checkpoints.save_final_best(snapshot(trainer)), is_best=True)


@QUIET
def validation_loss(trainer: Trainer) -> float | None:
    """Nats per character on the whole validation part; None where there is none.

    Raises DivergedError where it is not finite.
    """
    if not trainer.corpus.characters("val"):
        return None
    with trainer.averaged():
        score = evaluate(
            trainer.network, trainer.corpus, "val", streams=VALIDATION_STREAMS, split=trainer.split
        )
    if not sane(score.nats_per_char):
        raise trainer.diverged(f"the validation loss before it is {score.nats_per_char:.3g}", None)
    return score.nats_per_char


def _sampled(trainer: Trainer, *, final: bool = False) -> Iterator[Event]:
    if trainer.rhythm.sample_length and trainer.ranks.rank == 0:
        yield Sampled(trainer.step, sample_text(trainer, trainer.rhythm.sample_length), final)


@QUIET
def sample_text(trainer: Trainer, length: int) -> str:
    """Some characters from the model as it is; the same for the same step and seed."""
    vocabulary = trainer.corpus.vocabulary
    first = vocabulary.id(BOUNDARY) if BOUNDARY in vocabulary else 0
    boundary = first if trainer.corpus.lines is not None else None
    generate_steps = numpy_sampler(trainer.network, Sampling(), boundary)
    prime = np.array([first], np.int32)
    with trainer.averaged():
        chunks = sample(
            trainer.network, prime, length, generate_steps, trainer.seed, boundary, [trainer.step]
        )
        return vocabulary.decode(int(i) for chunk in chunks for i in chunk[:, 0])


def _stepped(trainer: Trainer, update: Update) -> Stepped:
    return Stepped(
        trainer.step, trainer.epoch, update.loss, update.grad_norm, update.learning_rate,
        update.characters, trainer.seconds, trainer.share,
    )  # fmt: skip


def _logged(trainer: Trainer, update: Update, clock: _Clock, val_loss: float | None) -> Logged:
    line = Logged(
        trainer.step, trainer.epoch, trainer.since_log.value, trainer.norm_since_log.value,
        update.learning_rate, clock.rate(), trainer.seconds, val_loss,
    )  # fmt: skip
    trainer.since_log.reset()
    trainer.norm_since_log.reset()
    return line


def _interrupted(trainer: Trainer, stop: StopSignal) -> Interrupted:
    return Interrupted(trainer.step, max(trainer.ranks.all_gather(stop.number)))


def _save(trainer: Trainer, checkpoints: CheckpointFolder, is_best: bool) -> Iterator[Event]:
    yield Saving(trainer.step)
    path = checkpoints.save(snapshot(trainer), is_best=is_best)
    yield Saved(trainer.step, path, is_best)


class _Clock:
    """Characters per second of training proper, since the last line."""

    def __init__(self, trainer: Trainer) -> None:
        self._session = trainer
        self._since = trainer.seconds
        self._characters = 0
        self._pause_began = 0.0

    def add(self, characters: int) -> None:
        self._characters += characters

    def rate(self) -> float:
        now = self._session.seconds
        rate = self._characters / max(now - self._since, 1e-9)
        self._since, self._characters = now, 0
        return rate

    def paused(self) -> _Clock:
        return self

    def __enter__(self) -> None:
        self._pause_began = self._session.seconds

    def __exit__(self, *_: object) -> None:
        self._since += self._session.seconds - self._pause_began
