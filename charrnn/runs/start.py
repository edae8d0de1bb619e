"""Starting a run: folder, corpus and trainer from a configuration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from charrnn import build
from charrnn.build.checkpoints import OWN_TEXT
from charrnn.config import Config, to_yaml, unused_keys
from charrnn.config.schema import RECORD_END, STDIN, ModelConfig
from charrnn.data.corpus import load_corpus
from charrnn.data.files import find_files, matches, named, read_stdin, text_encoding
from charrnn.data.text_statistics import repeated_share
from charrnn.data.vocabulary import describe, unit_name
from charrnn.errors import ConfigError, DataError, argument, call, settings
from charrnn.export import starting_point
from charrnn.runs.folder import RunFolder
from charrnn.runs.planning import Plan, Planner
from charrnn.storage.atomic import write_atomically
from charrnn.storage.checkpoint import Checkpoint
from charrnn.training.trainer import Trainer


@dataclass(frozen=True)
class Launch:
    """A trainer in its run's folder. `notices`: what the user should know before it trains.

    `fresh`: the parameters are newly drawn. `plan`: where the configuration is from, if from one.
    """

    trainer: Trainer
    run: RunFolder
    config: Config
    notices: list[str] = field(default_factory=list)
    fresh: bool = False
    plan: Plan | None = None

    @property
    def resume_command(self) -> str:
        """What continues the run from its last checkpoint, with as many ranks."""
        ranks = self.trainer.ranks.size
        mpiexec = f"mpiexec -n {ranks} " if ranks > 1 else ""
        return mpiexec + call("resume", str(self.run.path))


COMPARED = 1_000_000  # characters whose lines are compared
MOSTLY, FEWEST_LINES = 0.5, 200  # of which a text that repeats itself is told
MAX_FILES, MAX_NAMES = 90_000, 1 << 22  # texts of a run, and bytes of all their names
# Keys of a model that its parameters do not depend on.
_FREE = ("dropout", "variational_dropout", "weight_dropout", "init")
_BUILTIN_MODEL = {k: v for k, v in Config().model.__dict__.items() if k not in _FREE}


def start_run(
    config: Config, name: str, out: Path | None, init_from: Path | None = None,
    planner: Planner | None = None,
) -> Launch:  # fmt: skip
    """A new run. `init_from`: whose model and vocabulary it starts from: a run, a checkpoint, or a
    file in PyTorch's layout. `planner` makes the configuration of the one that is given.
    """
    source, said = None, list[str]()
    if init_from is not None:
        source, said = starting_point(init_from, config.model.activation)
        config = _same_model(config, source, str(init_from))
        if planner is not None:
            planner.held |= _fixed_by_model(config)
    RunFolder.require_free(out)
    notices = [*said, *unused_keys(config), *_named_twice(config)]
    config = with_absolute_texts(config)
    if planner is not None:
        config = planner.read_as(config)
    notices += _encoding_notices(config)
    notices += _joined(config)
    known = None if source is None else build.vocabulary_of(source)
    corpus = load_corpus(config.data, known, extend=config.data.on_unknown == "error")
    run = None
    if STDIN in config.data.text:
        run = RunFolder.create(out, name, to_yaml(config), config.train.keep)
        config = _keep_stdin(config, run)
    plan = None
    if planner is not None:
        plan = planner.plan(config, corpus)
        config = plan.config
        if run is not None:
            write_atomically(run.config, to_yaml(config).encode())
    trainer = build.trainer(config, corpus)
    notices += [*corpus.notices, *_short_text_notices(config, trainer), *_text_notices(trainer)]
    if source is not None and known is not None:
        build.inherit_parameters(trainer.network, source.arrays, known.K, str(init_from))
        if trainer.state.average is not None:
            trainer.state.average.restart()
        if added := corpus.vocabulary.symbols[known.K :]:
            notices.append(f"new to the model, and initialised: {_added(added)}")
    if run is None:
        run = RunFolder.create(out, name, to_yaml(config), config.train.keep)
    return Launch(trainer, run, config, notices, fresh=source is None, plan=plan)


def _added(symbols: Sequence[str]) -> str:
    characters = [ord(symbol) for symbol in symbols if symbol != RECORD_END]
    end = "the end of a record" if RECORD_END in symbols else ""
    return " and ".join(filter(None, (describe(characters, 40), end)))


def _short_text_notices(config: Config, trainer: Trainer) -> list[str]:
    """What a text shorter than B·T makes of the batch and the window."""
    asked, loader = config.train.batch_size, trainer.loader
    if asked == loader.B and (config.bptt.mode == "full" or config.bptt.k1 == loader.T):
        return []
    if trainer.corpus.boundary is not None and asked == loader.B:
        return []
    return [
        f"the text is short: B = {loader.B} and windows of {loader.T} "
        f"{unit_name(config.data.unit)}s, where {asked} "
        f"and {config.bptt.k1} were asked for"
    ]


def _text_notices(trainer: Trainer) -> list[str]:
    """What a text may have that its owner does not know of."""
    corpus, notices = trainer.corpus, []
    if corpus.vocabulary.K == 1:
        notices.append("the text has one distinct character: there is nothing to learn")
    if corpus.boundary is not None and "\r" in corpus.vocabulary:
        notices.append(
            "lines end in CR LF: the CR is learned as the last character of each; "
            f"{settings({'data.newlines': 'lf'})} reads them as LF"
        )
    read = corpus.vocabulary.decode(map(int, np.asarray(corpus.ids[:COMPARED])))
    share, count = repeated_share(read, corpus.layout.boundary or "\n")
    if share > MOSTLY and count >= FEWEST_LINES:
        what = f"{corpus.layout.name or 'line'}s"
        part = f"its {what}" if len(corpus.ids) <= COMPARED else f"the {what} at its beginning"
        notices.append(
            f"the text repeats itself: {share:.0%} of {part} stand earlier in it, so that nearly "
            f"all samples will be copies, and {what} to validate on are known from training; leave "
            f"repeated {what} out, or sample with {argument('check_novelty')} to see what is copied"
        )
    return notices


def _joined(config: Config) -> list[str]:
    """That several files are one text, which a stream reads on from each to the next."""
    files = config.data.text
    if config.data.mode != "stream" or len(files) < 2:
        return []
    choice = settings({"data.mode": "records", "data.separator": "file"})
    return [
        f"{len(files):,} files are one text, each read on from the end of the one before; where "
        f"each is a text of its own: {choice}"
    ]


def _encoding_notices(config: Config) -> list[str]:
    """Files that are UTF-8, and are read as something else."""
    data, told = config.data, list[str]()
    if data.unit == "char":
        for path in find_files(data.text):
            text_encoding(path, data.encoding, told.append)
    if not told:
        return []
    count = f"{len(told):,} files are" if len(told) > 1 else "the text is"
    return [
        f"{count} UTF-8, and read as {data.encoding}, in which a letter beyond ASCII is several; "
        f"if that is not meant: {settings({'data.encoding': 'utf-8'})}"
    ]


def _named_twice(config: Config) -> list[str]:
    named, once = matches(config.data.text), find_files(config.data.text)
    if len(named) == len(once):
        return []
    return ["data.text names a file more than once: it is read once"]


def with_absolute_texts(config: Config) -> Config:
    """Paths that still mean the same when the run is opened from another folder."""
    files = tuple(
        STDIN if str(path) == STDIN else str(path.resolve())
        for path in find_files(config.data.text)
    )
    _require_storable(files)
    data = config.data.model_copy(update={"text": files})
    return config.model_copy(update={"data": data})


def _require_storable(files: Sequence[str]) -> None:
    """Every checkpoint has the names, and what is read from a stranger's is bounded."""
    if len(files) <= MAX_FILES and len(json.dumps(files)) <= MAX_NAMES:
        return
    raise DataError(
        f"{len(files):,} files, and a run can remember {MAX_FILES:,}, with names of at most "
        f"{MAX_NAMES:,} bytes together",
        where=named(files),
        then="put them together first, for example: cat texts/* > all.txt",
    )


def _keep_stdin(config: Config, run: RunFolder) -> Config:
    """Keep the text that stdin gave in the run's folder, for the run to be resumed with."""
    copy = run.path.resolve() / OWN_TEXT
    write_atomically(copy, read_stdin())
    read_stdin.cache_clear()
    names = tuple(str(copy) if name == STDIN else name for name in config.data.text)
    data = config.data.model_copy(update={"text": names})
    config = config.model_copy(update={"data": data})
    write_atomically(run.config, to_yaml(config).encode())
    return config


def _same_model(config: Config, source: Checkpoint, where: str) -> Config:
    """The configuration with the model that the parameters belong to."""
    model = build.config_of(source, where).model
    stored = source.meta.vocabulary.unit
    ends = RECORD_END in source.meta.vocabulary.symbols
    if ends and config.data.mode != "records":
        raise ConfigError(
            f"data.mode is {config.data.mode}, and the model was trained on records, whose end is "
            "one of its symbols",
            where=where,
            then=settings({"data.mode": "records"}),
        )
    if config.data.unit != stored:
        raise ConfigError(
            f"data.unit is {config.data.unit}, and the model was trained on {stored}s",
            where=where,
            then=settings({"data.unit": stored}),
        )
    kept = model.model_copy(update={key: getattr(config.model, key) for key in _FREE})
    if config.model not in (kept, config.model.model_copy(update=_BUILTIN_MODEL)):
        raise ConfigError(
            f"the model of {argument('init_from')} is another than the configuration's",
            where=where,
            then=f"leave model.* to it (dropout may differ), or: {_to_set(config, kept)}",
        )
    return config.model_copy(update={"model": kept})


def _fixed_by_model(config: Config) -> dict[str, Any]:
    """The keys that the parameters of a model decide."""
    model = config.model.model_dump()
    keys = {f"model.{key}": value for key, value in model.items() if key not in _FREE}
    keys["data.unit"] = config.data.unit
    return keys | ({"data.mode": "records"} if config.data.mode == "records" else {})


def _to_set(config: Config, model: ModelConfig) -> str:
    """The settings that make the configuration's model this one."""
    asked = config.model.model_dump(mode="json")
    return settings({
        f"model.{key}": value
        for key, value in model.model_dump(mode="json").items()
        if value != asked[key]
    })  # fmt: skip
