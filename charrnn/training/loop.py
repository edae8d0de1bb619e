"""The loop, from top to bottom. It prints nothing: it yields what happens."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from charrnn.data.corpus import BOUNDARY
from charrnn.evaluation import evaluate
from charrnn.generation import Sampling, sample
from charrnn.store import CheckpointFolder
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
from charrnn.training.interrupt import StopSignal
from charrnn.training.session import QUIET, Session, Update

VALIDATION_STREAMS = 16


def train(session: Session, checkpoints: CheckpointFolder, stop: StopSignal) -> Iterator[Event]:
    """Update until a limit is reached or `stop` is asked for; evaluate, sample, save on the way."""
    session.start_clock()
    rhythm, clock = session.rhythm, _Clock(session)
    saved_at = evaluated_at = None
    reason = session.finished()
    while reason is None:
        update = session.update()
        clock.add(update.characters)
        yield _stepped(session, update)
        reason = session.finished()

        val_loss, is_best = None, False
        if _due(session, rhythm.evaluate):
            with clock.paused():
                train_loss, val_loss = session.since_evaluation.value, validation_loss(session)
                session.since_evaluation.reset()
                evaluated_at = session.step
                if val_loss is not None:
                    is_best = session.judged(val_loss)
                    yield Evaluated(session.step, session.epoch, train_loss, val_loss, is_best)
                yield from _sampled(session)

        if session.step % rhythm.log == 0 or val_loss is not None:
            yield _logged(session, update, clock, val_loss)

        if is_best or _due(session, rhythm.save) or stop.requested:
            with clock.paused():
                yield from _save(session, checkpoints, is_best)
                saved_at = session.step
        if stop.requested:
            yield Interrupted(session.step, stop.number)
            return

    if saved_at != session.step:
        yield from _save(session, checkpoints, is_best=False)
    if session.step and evaluated_at != session.step:
        yield from _final_evaluation(session, checkpoints)
    yield Finished(session.step, reason)


def _final_evaluation(session: Session, checkpoints: CheckpointFolder) -> Iterator[Event]:
    """The run ended between two evaluations: one more, kept out of the last checkpoint.

    So a run that is continued from there is the same as one that never stopped.
    """
    train_loss, val_loss = session.since_evaluation.value, validation_loss(session)
    if val_loss is None:
        return
    is_best = session.judged(val_loss)
    yield Evaluated(session.step, session.epoch, train_loss, val_loss, is_best)
    yield from _sampled(session)
    yield Logged(
        session.step, session.epoch, train_loss, float("nan"), float("nan"), float("nan"),
        session.seconds, val_loss, final=True,
    )  # fmt: skip
    if is_best:
        yield Saved(session.step, checkpoints.save_final_best(session.checkpoint()), is_best=True)


@QUIET
def validation_loss(session: Session) -> float | None:
    """Nats per character on the whole validation part; None where there is none."""
    if not session.corpus.characters("val"):
        return None
    score = evaluate(session.network, session.corpus, "val", streams=VALIDATION_STREAMS)
    return score.nats_per_char


def _sampled(session: Session) -> Iterator[Event]:
    if session.rhythm.sample_length:
        yield Sampled(session.step, sample_text(session, session.rhythm.sample_length))


@QUIET
def sample_text(session: Session, length: int) -> str:
    """Some characters from the model as it is; the same for the same step and seed."""
    vocabulary = session.corpus.vocabulary
    first = vocabulary.id(BOUNDARY) if BOUNDARY in vocabulary else 0
    ids = sample(
        session.network,
        np.array([first], np.int32),
        length,
        Sampling(),
        session.seed,
        boundary=first if session.corpus.lines is not None else None,
        index=session.step,
    )
    return vocabulary.decode(ids)


def _due(session: Session, every: int | None) -> bool:
    return session.cursor.index == 0 if every is None else session.step % every == 0


def _stepped(session: Session, update: Update) -> Stepped:
    return Stepped(
        session.step, session.epoch, update.loss, update.grad_norm, update.learning_rate,
        update.characters, session.seconds, session.share,
    )  # fmt: skip


def _logged(session: Session, update: Update, clock: _Clock, val_loss: float | None) -> Logged:
    line = Logged(
        session.step, session.epoch, session.since_log.value, session.norm_since_log.value,
        update.learning_rate, clock.rate(), session.seconds, val_loss,
    )  # fmt: skip
    session.since_log.reset()
    session.norm_since_log.reset()
    return line


def _save(session: Session, checkpoints: CheckpointFolder, is_best: bool) -> Iterator[Event]:
    yield Saving(session.step)
    path = checkpoints.save(session.checkpoint(), is_best=is_best)
    yield Saved(session.step, path, is_best)


class _Clock:
    """Characters per second of training proper, since the last line."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._since = session.seconds
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
