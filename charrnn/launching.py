"""Beginning a run, or going on with one: folder, corpus and session from what the user asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charrnn import build
from charrnn.config import Config, from_dict, to_yaml
from charrnn.data import find_files, load_corpus
from charrnn.errors import CheckpointError, ConfigError, DataError, UsageError
from charrnn.store import Checkpoint, locate, read
from charrnn.store.atomic import write_atomically
from charrnn.text.vocabulary import describe
from charrnn.training import RunFolder, Session

_FREE = ("dropout", "init")  # keys of a model that its parameters do not depend on
_BUILTIN_MODEL = {k: v for k, v in Config().model.__dict__.items() if k not in _FREE}


@dataclass(frozen=True)
class Launch:
    """A session ready to train in its folder."""

    session: Session
    run: RunFolder
    config: Config
    notices: list[str] = field(default_factory=list)
    fresh: bool = False


def begin(config: Config, name: str, out: Path | None, init_from: Path | None = None) -> Launch:
    """A new run. `init_from`: a run or checkpoint whose model and vocabulary it starts from."""
    source = read(locate(init_from)) if init_from is not None else None
    if source is not None:
        config = _same_model(config, source, str(init_from))
    config = _absolute_texts(config)
    known = None if source is None else build.vocabulary_of(source)
    corpus = load_corpus(config.data, known, extend=config.data.on_unknown == "error")
    session = build.session(config, corpus)
    notices = _shrunk(config, session) + _odd(session)
    if source is not None and known is not None:
        build.inherit_parameters(session.network, source.arrays, known.K, str(init_from))
        if added := corpus.vocabulary.symbols[known.K :]:
            notices.append(f"new to the model, and initialised: {describe(map(ord, added), 40)}")
    run = RunFolder.create(out, name, to_yaml(config), config.train.keep)
    return Launch(session, run, config, notices, fresh=source is None)


def resume(path: Path, overrides: Mapping[str, Any]) -> Launch:
    """Go on with the run at `path` from its last checkpoint.

    `overrides`: dotted keys that may change on the way, such as `train.steps`.
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
    config = _override(build.config_of(checkpoint, str(checkpoint_path)), overrides)
    steps = overrides.get("train.steps")
    if steps is not None and steps < checkpoint.meta["step"]:
        raise UsageError(
            f"the run is at step {checkpoint.meta['step']:,} already", where=f"--steps {steps}"
        )
    corpus = load_corpus(config.data, build.vocabulary_of(checkpoint))
    if corpus.sha256 != checkpoint.meta["corpus_sha256"]:
        raise DataError(
            "the text is not the one that the run was trained on",
            where=", ".join(config.data.text),
            then=f"put it back, or begin a new run from this one: --init-from {path}",
        )
    session = build.session(config, corpus)
    session.restore(checkpoint)
    write_atomically(run.config, to_yaml(config).encode())
    run.checkpoints.keep = config.train.keep
    run.checkpoints.reopen(checkpoint_path, session.best_step)
    session.seconds_before = run.rewind(session.step)
    notices = [f"{problem}; going on from step {session.step:,}" for problem in damaged]
    if (reason := session.finished()) is not None:
        notices.append(f"the run is finished ({reason}); to train longer, give more --steps")
    return Launch(session, run, config, notices)


def _shrunk(config: Config, session: Session) -> list[str]:
    """What a text shorter than B·T makes of the batch and the window."""
    asked, feed = config.train.batch_size, session.feed
    if asked == feed.B and (config.bptt.mode == "full" or config.bptt.k1 == feed.T):
        return []
    if session.corpus.lines is not None and asked == feed.B:
        return []
    return [
        f"the text is short: B = {feed.B} and windows of {feed.T} characters, where {asked} and "
        f"{config.bptt.k1} were asked for"
    ]


def _odd(session: Session) -> list[str]:
    """What a text may have that its owner does not know of."""
    corpus, notices = session.corpus, []
    if corpus.vocabulary.K == 1:
        notices.append("the text has one distinct character: there is nothing to learn")
    if corpus.lines is not None and "\r" in corpus.vocabulary:
        notices.append("lines end in CR LF: the CR is learned as the last character of each")
    return notices


def _override(config: Config, overrides: Mapping[str, Any]) -> Config:
    values = config.model_dump(mode="json")
    for dotted, value in overrides.items():
        section, key = dotted.split(".")
        values[section][key] = value
    return from_dict(values, "--resume")


def _absolute_texts(config: Config) -> Config:
    """Paths that still mean the same when the run is opened from another folder."""
    files = tuple(str(path.resolve()) for path in find_files(config.data.text))
    data = config.data.model_copy(update={"text": files})
    return config.model_copy(update={"data": data})


def _same_model(config: Config, source: Checkpoint, where: str) -> Config:
    """The configuration with the model that the parameters belong to."""
    model = build.config_of(source, where).model
    stored = source.meta["vocabulary"]["unit"]
    if config.data.unit != stored:
        raise ConfigError(
            f"data.unit is {config.data.unit}, and the model was trained on {stored}s", where=where
        )
    kept = model.model_copy(update={"dropout": config.model.dropout, "init": config.model.init})
    if config.model not in (kept, config.model.model_copy(update=_BUILTIN_MODEL)):
        raise ConfigError(
            "the model of --init-from is another than the configuration's",
            where=where,
            then="leave model.* to the checkpoint (dropout may differ)",
        )
    return config.model_copy(update={"model": kept})
