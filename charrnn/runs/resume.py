"""Resuming a run from its last checkpoint, also with another configuration or text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from charrnn import build
from charrnn.build.checkpoints import with_own_text
from charrnn.config import Config, to_yaml
from charrnn.config.loading import parse_set
from charrnn.data.corpus import Corpus, load_corpus, symbols_of
from charrnn.data.files import named
from charrnn.errors import CheckpointError, DataError, UsageError, argument
from charrnn.runs.changes import (
    RESET_NOTICES,
    TEXT,
    Change,
    advise,
    describe_text_change,
    find_changes,
    is_length_given,
    lift_limits,
    parts_to_reset,
    require_accepted,
    require_left,
    require_possible,
)
from charrnn.runs.folder import RunFolder
from charrnn.runs.start import Launch, with_absolute_texts
from charrnn.storage.atomic import write_atomically
from charrnn.storage.checkpoint import Checkpoint, write
from charrnn.storage.checkpoint_folder import BEST, locate
from charrnn.training.trainer import Trainer


def resume_run(
    path: Path, flags: Mapping[str, Any], sets: Sequence[str] = (), *, accept_changes: bool = False
) -> Launch:
    """Continue the run at `path` from its last checkpoint.

    The configuration is the run's config.yaml with `sets` and `flags` over it. Where it, or the
    text, is not that of the checkpoint, this is an error unless the change is accepted; but the
    run may be made longer, whichever limit ended it.
    """
    locate(path, "last")
    if not path.is_dir():
        raise CheckpointError(
            f"is a checkpoint, and {argument('resume')} takes a run's folder",
            where=str(path),
            then=f"to start a new run from it: {argument('init_from', path)}",
        )
    run = RunFolder(path)
    run.lock()
    checkpoint_path, checkpoint, damaged = run.checkpoints.read_last()
    stored = build.config_of(checkpoint, str(checkpoint_path))
    if not run.config.exists():
        write_atomically(run.config, to_yaml(stored).encode())
    config, changes, moved = _changed(run, stored, flags, sets, accept_changes)
    _require_steps_left(config, checkpoint)
    corpus = _load_corpus(config, checkpoint, path, accept_changes)
    new_text = corpus.sha256 != checkpoint.meta.corpus_sha256
    reset = parts_to_reset(changes, text=new_text)
    given = {*flags, *(parse_set(item)[0] for item in sets)}
    seconds = run.seconds_at(checkpoint.meta.step) if is_length_given(given) else 0.0
    restored = partial(_restored, corpus, checkpoint, str(checkpoint_path), reset, seconds)
    trainer = restored(config)
    require_left(config, given, trainer)
    config, lifted = lift_limits(config, given, trainer)
    if lifted:
        trainer = restored(config)
        changes += lifted
    run.checkpoints.keep = config.train.keep
    _reopen(run, checkpoint_path, trainer, reset)
    if changes or new_text or moved:
        write(checkpoint_path, trainer.checkpoint())
        write_atomically(run.config, to_yaml(config).encode())
    trainer.clock.before = run.rewind(trainer.step)
    notices = [f"{problem}; resuming from step {trainer.step:,}" for problem in damaged]
    notices += [*corpus.notices, *map(str, changes)]
    notices += [notice for part, notice in RESET_NOTICES.items() if part in reset]
    return Launch(trainer, run, config, [*notices, *_state_notices(trainer, path)])


def _changed(
    run: RunFolder, stored: Config, flags: Mapping[str, Any], sets: Sequence[str], accepted: bool
) -> tuple[Config, list[Change], bool]:
    """The configuration to go on by, what of it is not as `stored`, and whether the run was moved.

    A text that was moved with the run is no change.
    """
    config, changes = find_changes(run.config, stored, sets, flags)
    beside = with_own_text(config, run.path)
    moved = TEXT not in flags and beside is not config
    if moved:
        config = beside
        changes = [change for change in changes if change.key != TEXT]
    require_possible(changes, run.path)
    if not accepted:
        require_accepted(changes, run.path)
    if config.data.text != stored.data.text:
        config = with_absolute_texts(config)
    return config, changes, moved


def _restored(
    corpus: Corpus, checkpoint: Checkpoint, where: str, reset: Collection[str], seconds: float,
    config: Config,
) -> Trainer:  # fmt: skip
    trainer = build.trainer(config, corpus)
    trainer.state.require_fit(checkpoint, trainer.loader, where, reset)
    trainer.restore(checkpoint, where, reset)
    trainer.clock.before = seconds
    return trainer


def _reopen(run: RunFolder, checkpoint: Path, trainer: Trainer, reset: Collection[str]) -> None:
    """Let the folder's checkpoints be those of a run that is where the trainer is."""
    if "best" in reset:
        _set_best_aside(run)
    best_step = trainer.state.best_step
    run.checkpoints.reopen(checkpoint, best_step, is_temporary=trainer.is_temporary)


def _state_notices(trainer: Trainer, run: Path) -> list[str]:
    """What of the restored state its owner may not expect."""
    state, notices = trainer.state, []
    if state.rate_scale != 1:
        notices.append(
            f"after {state.rollbacks} rollbacks the learning rate is times {state.rate_scale:g}"
        )
    if (advice := advise(trainer, run)) is not None:
        notices.append(advice)
    return notices


def _require_steps_left(config: Config, checkpoint: Checkpoint) -> None:
    steps, done = config.train.steps, checkpoint.meta.step
    if steps is not None and steps < done:
        raise UsageError(f"the run is at step {done:,} already", where=argument("steps", steps))


def _load_corpus(config: Config, checkpoint: Checkpoint, run: Path, accepted: bool) -> Corpus:
    """The text that the run continues with, in the vocabulary of its model."""
    vocabulary = build.vocabulary_of(checkpoint)
    where = named(config.data.text)
    differs = "the text is not the one that the run was trained on"
    try:
        corpus = load_corpus(config.data, vocabulary)
    except DataError as error:
        if vocabulary.extended(symbols_of(config.data)) is vocabulary:
            raise
        raise DataError(
            f"{differs}: {error.what}",
            where=where,
            then="put it back; or start a new run whose model learns them: "
            f"{argument('init_from', run)}; or "
            + ("" if accepted else f"with {argument('accept_changes')} ")
            + "set data.on_unknown to skip or map",
        ) from None
    if corpus.sha256 == checkpoint.meta.corpus_sha256 or accepted:
        return corpus
    before = checkpoint.meta.text_bytes
    raise DataError(
        f"{differs}:\n  {describe_text_change(before, build.text_bytes(config))}",
        where=where,
        then=f"put it back; or continue with it as it is: {argument('accept_changes')}; or start a "
        f"new run from this one: {argument('init_from', run)}",
    )


def _set_best_aside(run: RunFolder) -> None:
    if (run.checkpoints.folder / BEST).exists():
        run.checkpoints.set_aside(run.checkpoints.folder / BEST, "best-of-other-text.safetensors")
