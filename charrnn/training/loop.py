"""The loop, from top to bottom. It prints nothing: it yields what happens."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from charrnn.bptt import AbandonedError
from charrnn.data.corpus import BOUNDARY
from charrnn.evaluation import evaluate
from charrnn.generation import Sampling, plain_continuation, sample
from charrnn.store import CheckpointFolder
from charrnn.training.agreement import AgreedStop
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
from charrnn.training.interrupt import StopSignal
from charrnn.training.measures import Update
from charrnn.training.rollback import roll_back
from charrnn.training.session import QUIET, Session
from charrnn.training.snapshot import snapshot

VALIDATION_STREAMS = 16


def train(session: Session, checkpoints: CheckpointFolder, stop: StopSignal) -> Iterator[Event]:
    """Update until a limit is reached or `stop` is asked for; evaluate, sample, save on the way.

    Every rank of the session's group runs it; each yields the events, and the first the samples.

    A divergence is rolled back as often as `session.limits` allows; then DivergenceError is raised.
    """
    session.start_clock()
    if session.group.size > 1:
        stop = AgreedStop(stop, session)
    if checkpoints.last() is None:
        yield from _save(session, checkpoints, is_best=False)
    while True:
        try:
            yield from _course(session, checkpoints, stop)
            return
        except DivergedError as error:
            yield roll_back(session, checkpoints, error)


def _course(session: Session, checkpoints: CheckpointFolder, stop: StopSignal) -> Iterator[Event]:
    rhythm, clock = session.rhythm, _Clock(session)
    saved_at = evaluated_at = None
    reason = session.finished()
    while reason is None:
        try:
            update = session.update(abandon=lambda: stop.asked)
        except AbandonedError:
            yield from _save(session, checkpoints, is_best=False)
            yield Interrupted(session.step, stop.number)
            return
        clock.add(update.characters)
        yield _stepped(session, update)

        val_loss, is_best = None, False
        if session.due(rhythm.evaluate):
            with clock.paused():
                train_loss, val_loss = session.since_evaluation.value, validation_loss(session)
                session.since_evaluation.reset()
                evaluated_at = session.step
                if val_loss is not None:
                    is_best = session.judged(val_loss)
                    yield Evaluated(session.step, session.epoch, train_loss, val_loss, is_best)
                yield from _sampled(session)

        reason = session.finished()
        if session.step % rhythm.log == 0 or val_loss is not None:
            yield _logged(session, update, clock, val_loss)

        if is_best or session.due(rhythm.save) or stop.requested:
            with clock.paused():
                yield from _save(session, checkpoints, is_best)
                saved_at = session.step
        # A signal that arrives after the line above waits for the next save.
        if stop.requested and saved_at == session.step:
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
    if not session.since_evaluation.weight:  # the part of the run before this one did it
        is_best = session.best_step == session.step
        yield Evaluated(session.step, session.epoch, train_loss, val_loss, is_best)
        return
    is_best = session.judged(val_loss)
    yield Evaluated(session.step, session.epoch, train_loss, val_loss, is_best)
    yield from _sampled(session, final=True)
    yield Logged(
        session.step, session.epoch, train_loss, float("nan"), float("nan"), float("nan"),
        session.seconds, val_loss, final=True,
    )  # fmt: skip
    if is_best:
        yield Saved(session.step, checkpoints.save_final_best(snapshot(session)), is_best=True)


@QUIET
def validation_loss(session: Session) -> float | None:
    """Nats per character on the whole validation part; None where there is none.

    Raises DivergedError where it is not finite.
    """
    if not session.corpus.characters("val"):
        return None
    with session.averaged():
        score = evaluate(
            session.network, session.corpus, "val", streams=VALIDATION_STREAMS, split=session.split
        )
    if not sane(score.nats_per_char):
        raise session.diverged(f"the validation loss before it is {score.nats_per_char:.3g}", None)
    return score.nats_per_char


def _sampled(session: Session, *, final: bool = False) -> Iterator[Event]:
    if session.rhythm.sample_length and session.group.rank == 0:
        yield Sampled(session.step, sample_text(session, session.rhythm.sample_length), final)


@QUIET
def sample_text(session: Session, length: int) -> str:
    """Some characters from the model as it is; the same for the same step and seed."""
    vocabulary = session.corpus.vocabulary
    first = vocabulary.id(BOUNDARY) if BOUNDARY in vocabulary else 0
    boundary = first if session.corpus.lines is not None else None
    go_on = plain_continuation(session.network, Sampling(), boundary)
    prime = np.array([first], np.int32)
    with session.averaged():
        chunks = sample(
            session.network, prime, length, go_on, session.seed, boundary, [session.step]
        )
        return vocabulary.decode(int(i) for chunk in chunks for i in chunk[:, 0])


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
    path = checkpoints.save(snapshot(session), is_best=is_best)
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
