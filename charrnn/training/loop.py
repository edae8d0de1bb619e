"""The loop, from top to bottom. It prints nothing: it yields what happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from math import inf, nan

import numpy as np

from charrnn.data.utf8 import LONGEST, WholeCharacters, as_text
from charrnn.errors import DivergenceError
from charrnn.inference.beginning import Beginning, zero_beginning
from charrnn.inference.evaluation import evaluate
from charrnn.inference.sampling import Sampling, numpy_sampler, sample, writable
from charrnn.inference.warming import warm_beginning
from charrnn.nn.bptt import CancelledError
from charrnn.runtime.signals import StopSignal
from charrnn.storage.checkpoint_folder import CheckpointFolder
from charrnn.training.divergence import QUIET, DivergedError
from charrnn.training.events import (
    Evaluated,
    Event,
    Finished,
    Interrupted,
    Logged,
    Previewed,
    Sampled,
    Saved,
    Saving,
    Stepped,
)
from charrnn.training.plan import Throughput, Update
from charrnn.training.previews import LENGTH, PATIENCE, Previews
from charrnn.training.rollback import roll_back
from charrnn.training.trainer import Trainer

VALIDATION_STREAMS = 16


def train(
    trainer: Trainer, checkpoints: CheckpointFolder, stop: StopSignal,
    previews: Previews | None = None,
) -> Iterator[Event]:  # fmt: skip
    """Update until a limit is reached or `stop` is asked for; evaluate, sample, save on the way.

    Every rank of the run calls it; each yields the events, and the first the samples and previews.

    A divergence is rolled back as often as `trainer.limits` allows; then DivergenceError is raised.
    """
    trainer.clock.start()
    previews = previews or Previews()
    previews.start(trainer.clock.seconds)
    if checkpoints.last() is None:
        yield from _save(trainer, checkpoints, is_best=False)
    while True:
        try:
            yield from _train_to_the_end(trainer, checkpoints, stop, previews)
            return
        except DivergedError as error:
            yield roll_back(trainer, checkpoints, error)


def _train_to_the_end(
    trainer: Trainer, checkpoints: CheckpointFolder, stop: StopSignal, previews: Previews
) -> Iterator[Event]:
    state, intervals, speed = trainer.state, trainer.intervals, Throughput(trainer.clock)
    saved_at = evaluated_at = None
    reason = trainer.reason_to_stop()

    def stop_requested() -> bool:
        return trainer.ranks.stop_requested(lambda: stop.requested)

    while reason is None:
        try:
            update = trainer.update(cancel=lambda: stop.requested)
        except CancelledError:
            yield from _save(trainer, checkpoints, is_best=False)
            yield _interrupted(trainer, stop)
            return
        speed.add(update.characters)
        yield _stepped(trainer, update)

        evaluated = None
        if trainer.is_due(intervals.evaluate):
            with speed.paused():
                evaluated = _evaluate(trainer)
                state.since_evaluation.reset()
                evaluated_at = trainer.step
                if evaluated is not None:
                    yield evaluated
                yield from _sampled(trainer)
                previews.taken(trainer.clock.seconds)
        elif previews.is_due(trainer.clock.seconds):
            with speed.paused():
                yield from _previewed(trainer, previews)

        reason = trainer.reason_to_stop()
        if trainer.step % intervals.log == 0 or evaluated is not None:
            yield _logged(trainer, update, speed, evaluated)

        is_best = evaluated is not None and evaluated.is_best
        if is_best or trainer.is_due(intervals.save) or stop_requested():
            with speed.paused():
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
    again = not trainer.state.since_evaluation.weight
    evaluated = _evaluate(trainer)
    if evaluated is None:
        return
    yield evaluated
    if again:
        return
    yield from _sampled(trainer, final=True)
    yield Logged(
        trainer.step, trainer.epoch, evaluated.train_loss, nan, nan, nan, trainer.clock.seconds,
        evaluated.val_loss, final=True,
    )  # fmt: skip
    if evaluated.is_best:
        yield Saved(trainer.step, checkpoints.save_final_best(trainer.checkpoint()), is_best=True)


def _evaluate(trainer: Trainer) -> Evaluated | None:
    """On the validation part, and recorded, but where a run that goes on was evaluated already.

    None where there is no such part.
    """
    state = trainer.state
    train_loss, val_loss = state.since_evaluation.value, validation_loss(trainer)
    if val_loss is None:
        return None
    if state.since_evaluation.weight:
        is_best = state.record_validation(val_loss)
    else:
        is_best = state.best_step == state.step
    return Evaluated(trainer.step, trainer.epoch, train_loss, val_loss, is_best)


@QUIET
def validation_loss(trainer: Trainer) -> float | None:
    """Nats per character on the whole validation part; None where there is none.

    Raises DivergedError where it is not finite.
    """
    if not trainer.corpus.characters("val"):
        return None
    with trainer.averaged():
        score = evaluate(
            trainer.network, trainer.corpus, "val", streams=VALIDATION_STREAMS, split=trainer.pool
        )
    trainer.divergence.check_validation(score.nats_per_char)
    return score.nats_per_char


def _sampled(trainer: Trainer, *, final: bool = False) -> Iterator[Event]:
    if trainer.intervals.sample_length and trainer.ranks.rank == 0:
        yield Sampled(trainer.step, sample_text(trainer, trainer.intervals.sample_length), final)


def _previewed(trainer: Trainer, previews: Previews) -> Iterator[Event]:
    """A preview; none where the logits are not finite, of which the next update will tell."""
    began = trainer.clock.seconds
    with suppress(DivergenceError):
        text = sample_text(trainer, trainer.intervals.sample_length or LENGTH, PATIENCE)
        yield Previewed(trainer.step, text, previews.asked)
    now = trainer.clock.seconds
    previews.taken(now, now - began)


@QUIET
def sample_text(trainer: Trainer, length: int, seconds: float = inf) -> str:
    """Some characters from the model as it is; the same for the same step and seed.

    After so many seconds it ends where it is.
    """
    corpus, vocabulary = trainer.corpus, trainer.corpus.vocabulary
    boundary = corpus.boundary
    sampling = Sampling(allowed=writable(vocabulary))
    generate_steps = numpy_sampler(trainer.network, sampling, boundary)
    with trainer.averaged():
        beginning = _beginning(trainer)
        prime = np.array([beginning.id], np.int32)
        steps = length if vocabulary.unit == "char" else length + LONGEST - 1
        chunks = sample(
            trainer.network,
            prime,
            steps,
            generate_steps,
            trainer.seed,
            boundary,
            [trainer.step],
            beginning=beginning,
        )
        until, ids = trainer.clock.seconds + seconds, list[int]()
        for chunk in chunks:
            ids += chunk[:, 0].tolist()
            if trainer.clock.seconds > until:
                break
    text = vocabulary.decode(ids)
    if vocabulary.unit == "byte":
        text = WholeCharacters(length).feed(text)
    return as_text(corpus.layout.shown(text), vocabulary.unit)


def _beginning(trainer: Trainer) -> Beginning:
    """What a sample begins after: of a stream, from the states that this rank carries."""
    network, corpus = trainer.network, trainer.corpus
    if corpus.boundary is not None:
        return zero_beginning(network, corpus.layout.first_id(corpus.vocabulary))
    return warm_beginning(network, corpus.vocabulary, trainer.state.carried)


def _stepped(trainer: Trainer, update: Update) -> Stepped:
    return Stepped(
        trainer.step, trainer.epoch, update.loss, update.grad_norm, update.learning_rate,
        update.characters, trainer.clock.seconds, trainer.share,
    )  # fmt: skip


def _logged(
    trainer: Trainer, update: Update, speed: Throughput, evaluated: Evaluated | None
) -> Logged:
    state, val_loss = trainer.state, None if evaluated is None else evaluated.val_loss
    line = Logged(
        trainer.step, trainer.epoch, state.since_log.value, state.norm_since_log.value,
        update.learning_rate, speed.restart(), trainer.clock.seconds, val_loss,
    )  # fmt: skip
    state.since_log.reset()
    state.norm_since_log.reset()
    return line


def _interrupted(trainer: Trainer, stop: StopSignal) -> Interrupted:
    return Interrupted(trainer.step, max(trainer.ranks.all_gather(stop.number)))


def _save(trainer: Trainer, checkpoints: CheckpointFolder, is_best: bool) -> Iterator[Event]:
    yield Saving(trainer.step)
    path = checkpoints.save(trainer.checkpoint(), is_best=is_best)
    yield Saved(trainer.step, path, is_best)
