"""Beginning a run, or going on with one: folder, corpus and session from what the user asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charrnn import build
from charrnn.config import Config, idle, to_yaml
from charrnn.config.schema import ModelConfig
from charrnn.data.corpus import Corpus, load_corpus, symbols_of
from charrnn.data.files import STDIN, find_files, matches, read_stdin
from charrnn.data.vocabulary import describe
from charrnn.errors import CheckpointError, ConfigError, DataError, UsageError
from charrnn.export import starting_point
from charrnn.runs.changes import (
    ANEW,
    begun_anew,
    changed,
    other_text,
    require_accepted,
    require_possible,
)
from charrnn.runs.folder import RunFolder
from charrnn.storage.atomic import write_atomically
from charrnn.storage.checkpoint import Checkpoint, write
from charrnn.storage.checkpoint_folder import BEST, locate
from charrnn.training.restoring import check_progress
from charrnn.training.state import restore, snapshot
from charrnn.training.trainer import Trainer

# Keys of a model that its parameters do not depend on.
_FREE = ("dropout", "variational_dropout", "weight_dropout", "init")
_BUILTIN_MODEL = {k: v for k, v in Config().model.__dict__.items() if k not in _FREE}


@dataclass(frozen=True)
class Launch:
    """A session ready to train in its folder."""

    trainer: Trainer
    run: RunFolder
    config: Config
    notices: list[str] = field(default_factory=list)
    fresh: bool = False


def begin(config: Config, name: str, out: Path | None, init_from: Path | None = None) -> Launch:
    """A new run. `init_from`: whose model and vocabulary it starts from: a run, a checkpoint, or a
    file in PyTorch's layout.
    """
    source, said = None, list[str]()
    if init_from is not None:
        source, said = starting_point(init_from, config.model.activation)
        config = _same_model(config, source, str(init_from))
    notices = [*said, *idle(config), *_named_twice(config)]
    config = _absolute_texts(config)
    known = None if source is None else build.vocabulary_of(source)
    corpus = load_corpus(config.data, known, extend=config.data.on_unknown == "error")
    run = None
    if STDIN in config.data.text:
        run = RunFolder.create(out, name, to_yaml(config), config.train.keep)
        config = _keep_stdin(config, run)
    trainer = build.trainer(config, corpus)
    notices += [*corpus.notices, *_shrunk(config, trainer), *_odd(trainer)]
    if source is not None and known is not None:
        build.inherit_parameters(trainer.network, source.arrays, known.K, str(init_from))
        if trainer.average is not None:
            trainer.average.restart()
        if added := corpus.vocabulary.symbols[known.K :]:
            notices.append(f"new to the model, and initialised: {describe(map(ord, added), 40)}")
    if run is None:
        run = RunFolder.create(out, name, to_yaml(config), config.train.keep)
    return Launch(trainer, run, config, notices, fresh=source is None)


def resume(
    path: Path, flags: Mapping[str, Any], sets: Sequence[str] = (), *, accept_changes: bool = False
) -> Launch:
    """Go on with the run at `path` from its last checkpoint.

    The configuration is the run's config.yaml with `sets` and `flags` over it. Where it, or the
    text, is not that of the checkpoint, this is an error unless the change is accepted.
    """
    locate(path, "last")
    if not path.is_dir():
        raise CheckpointError(
            "is a checkpoint, and --resume takes a run's folder",
            where=str(path),
            then=f"to begin a new run from it: --init-from {path}",
        )
    run = RunFolder(path)
    run.lock()
    checkpoint_path, checkpoint, damaged = run.checkpoints.read_last()
    stored = build.config_of(checkpoint, str(checkpoint_path))
    if not run.config.exists():
        write_atomically(run.config, to_yaml(stored).encode())
    config, changes = changed(run.config, stored, sets, flags)
    require_possible(changes, path)
    if not accept_changes:
        require_accepted(changes, path)
    if config.data.text != stored.data.text:
        config = _absolute_texts(config)
    _require_to_come(config, checkpoint)
    corpus = _corpus_of(config, checkpoint, path, accept_changes)
    new_text = corpus.sha256 != checkpoint.meta["corpus_sha256"]
    anew = begun_anew(changes, text=new_text)
    trainer = build.trainer(config, corpus)
    check_progress(trainer, checkpoint, str(checkpoint_path), anew)
    restore(trainer, checkpoint, anew)
    run.checkpoints.keep = config.train.keep
    if "best" in anew:
        _keep_best_apart(run)
    run.checkpoints.reopen(checkpoint_path, trainer.best_step, is_temporary=trainer.is_temporary)
    if changes or new_text:
        write(checkpoint_path, snapshot(trainer))
        write_atomically(run.config, to_yaml(config).encode())
    trainer.seconds_before = run.rewind(trainer.step)
    notices = [f"{problem}; going on from step {trainer.step:,}" for problem in damaged]
    notices += [*corpus.notices, *map(str, changes), *(ANEW[part] for part in ANEW if part in anew)]
    if trainer.rate_scale != 1:
        notices.append(
            f"after {trainer.rollbacks} rollbacks the learning rate is times {trainer.rate_scale:g}"
        )
    if (reason := trainer.finished()) is not None:
        notices.append(
            f"the run is finished ({reason}); to train longer, raise what ended it: --steps N, or "
            "for example --set train.epochs=N --accept-changes"
        )
    return Launch(trainer, run, config, notices)


def _require_to_come(config: Config, checkpoint: Checkpoint) -> None:
    steps, done = config.train.steps, checkpoint.meta["step"]
    if steps is not None and steps < done:
        raise UsageError(f"the run is at step {done:,} already", where=f"--steps {steps}")


def _corpus_of(config: Config, checkpoint: Checkpoint, run: Path, accepted: bool) -> Corpus:
    """The text that the run goes on with, in the vocabulary of its model."""
    vocabulary = build.vocabulary_of(checkpoint)
    where = ", ".join(config.data.text)
    differs = "the text is not the one that the run was trained on"
    try:
        corpus = load_corpus(config.data, vocabulary)
    except DataError as error:
        if vocabulary.extended(symbols_of(config.data)) is vocabulary:
            raise
        raise DataError(
            f"{differs}: {error.what}",
            where=where,
            then=f"put it back; or begin a new run whose model learns them: --init-from {run}; or, "
            "with --accept-changes, set data.on_unknown to skip or map",
        ) from None
    if corpus.sha256 == checkpoint.meta["corpus_sha256"] or accepted:
        return corpus
    before = checkpoint.meta.get("text_bytes", {})
    raise DataError(
        f"{differs}:\n  {other_text(before, build.text_bytes(config))}",
        where=where,
        then="put it back; or go on with it as it is: --accept-changes; or begin a new run from "
        f"this one: --init-from {run}",
    )


def _keep_best_apart(run: RunFolder) -> None:
    if (run.checkpoints.folder / BEST).exists():
        run.checkpoints.set_aside(run.checkpoints.folder / BEST, "best-of-other-text.safetensors")


def _shrunk(config: Config, trainer: Trainer) -> list[str]:
    """What a text shorter than B·T makes of the batch and the window."""
    asked, loader = config.train.batch_size, trainer.loader
    if asked == loader.B and (config.bptt.mode == "full" or config.bptt.k1 == loader.T):
        return []
    if trainer.corpus.lines is not None and asked == loader.B:
        return []
    return [
        f"the text is short: B = {loader.B} and windows of {loader.T} characters, where {asked} "
        f"and {config.bptt.k1} were asked for"
    ]


def _odd(trainer: Trainer) -> list[str]:
    """What a text may have that its owner does not know of."""
    corpus, notices = trainer.corpus, []
    if corpus.vocabulary.K == 1:
        notices.append("the text has one distinct character: there is nothing to learn")
    if corpus.lines is not None and "\r" in corpus.vocabulary:
        notices.append("lines end in CR LF: the CR is learned as the last character of each")
    return notices


def _absolute_texts(config: Config) -> Config:
    """Paths that still mean the same when the run is opened from another folder."""
    files = tuple(
        STDIN if str(path) == STDIN else str(path.resolve())
        for path in find_files(config.data.text)
    )
    data = config.data.model_copy(update={"text": files})
    return config.model_copy(update={"data": data})


def _keep_stdin(config: Config, run: RunFolder) -> Config:
    """Keep the text that stdin gave in the run's folder, for the run to be resumed with."""
    copy = run.path.resolve() / "text.txt"
    write_atomically(copy, read_stdin())
    read_stdin.cache_clear()
    names = tuple(str(copy) if name == STDIN else name for name in config.data.text)
    data = config.data.model_copy(update={"text": names})
    config = config.model_copy(update={"data": data})
    write_atomically(run.config, to_yaml(config).encode())
    return config


def _named_twice(config: Config) -> list[str]:
    named, once = matches(config.data.text), find_files(config.data.text)
    if len(named) == len(once):
        return []
    return ["data.text names a file more than once: it is read once"]


def _same_model(config: Config, source: Checkpoint, where: str) -> Config:
    """The configuration with the model that the parameters belong to."""
    model = build.config_of(source, where).model
    stored = source.meta["vocabulary"]["unit"]
    if config.data.unit != stored:
        raise ConfigError(
            f"data.unit is {config.data.unit}, and the model was trained on {stored}s",
            where=where,
            then=f"--set data.unit={stored}",
        )
    kept = model.model_copy(update={key: getattr(config.model, key) for key in _FREE})
    if config.model not in (kept, config.model.model_copy(update=_BUILTIN_MODEL)):
        raise ConfigError(
            "the model of --init-from is another than the configuration's",
            where=where,
            then=f"leave model.* to it (dropout may differ), or: {_to_set(config, kept)}",
        )
    return config.model_copy(update={"model": kept})


def _to_set(config: Config, model: ModelConfig) -> str:
    """The options that make the configuration's model this one."""
    return " ".join(
        f"--set model.{key}={json.dumps(value).strip(chr(34))}"
        for key, value in model.model_dump(mode="json").items()
        if value != config.model.model_dump(mode="json")[key]
    )
