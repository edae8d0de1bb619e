"""Ranks that train one run: the first starts or resumes it, and the others follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from charrnn import build
from charrnn.config import Config
from charrnn.data.corpus import Corpus, load_corpus
from charrnn.data.files import named
from charrnn.data.mapped_ids import MappedIds
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import DataError, UsageError
from charrnn.runs.folder import RunFolder
from charrnn.runs.start import Launch
from charrnn.runtime.ranks import Ranks
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.shared import SharedCheckpoints

Made = TypeVar("Made")
Shared = TypeVar("Shared")


@dataclass(frozen=True)
class _Description:
    """What the other ranks need to know of a run."""

    config: Config
    run: Path
    vocabulary: Vocabulary
    corpus_sha256: str
    checkpoint: Checkpoint
    seconds_before: float
    fresh: bool


def join_ranks(ranks: Ranks, launch_first: Callable[[], Launch]) -> Launch:
    """The launch of every rank: what `launch_first` gives on rank 0, and the same on the others.

    Rank 0 alone has the run's folder, locked. The text is read by one rank of each host.
    """
    if ranks.size == 1:
        return launch_first()
    first, description = _make_on_first(ranks, launch_first, _describe)
    corpus = _corpus(description, ranks.of_host(), first[0].trainer.corpus if first else None)
    launch = first[0] if first else _follow(description, corpus)
    _require_streams(launch, ranks)
    launch.trainer.join(ranks)
    launch.run.checkpoints = SharedCheckpoints(launch.run.checkpoints, ranks)
    launch.notices.append(
        "if one rank is killed, mpiexec ends all; the run then continues from its last checkpoint "
        f"with: {launch.resume_command}"
    )
    return launch


def _make_on_first(
    ranks: Ranks, work: Callable[[], Made], share: Callable[[Made], Shared]
) -> tuple[list[Made], Shared]:
    """What rank 0 makes, the others having nothing, and what it shares of it with all."""
    made: list[Made] = []

    def make_and_share() -> Shared:
        made.append(work())
        return share(made[0])

    shared = ranks.run_on_first(make_and_share)
    return made, shared


def _describe(launch: Launch) -> _Description:
    trainer, corpus = launch.trainer, launch.trainer.corpus
    return _Description(
        launch.config, launch.run.path, corpus.vocabulary, corpus.sha256, trainer.checkpoint(),
        trainer.clock.before, launch.fresh,
    )  # fmt: skip


def _follow(description: _Description, corpus: Corpus) -> Launch:
    trainer = build.trainer(description.config, corpus)
    trainer.restore(description.checkpoint, str(description.run))
    trainer.clock.before = description.seconds_before
    run = RunFolder(description.run, description.config.train.keep)
    return Launch(trainer, run, description.config, fresh=description.fresh)


def _corpus(description: _Description, host: Ranks, known: Corpus | None) -> Corpus:
    """The text's ids: made, or found, by one rank of the host, and of a file mapped by all."""
    own, shareable = _make_on_first(host, lambda: known or _loaded(description), _shareable)
    if own:
        return own[0]
    if shareable is None:
        return _loaded(description)
    corpus, path = shareable
    if path is None:
        return corpus
    return replace(corpus, ids=MappedIds(path, corpus.vocabulary.K))


def _shareable(corpus: Corpus) -> tuple[Corpus, Path | None] | None:
    """A corpus, and where its ids are if not in it; None where their file has no name."""
    path = corpus.ids_file
    if path is None:
        return corpus, None
    return (replace(corpus, ids=np.empty(0, np.int32)), path) if path.exists() else None


def _require_streams(launch: Launch, ranks: Ranks) -> None:
    B = launch.trainer.loader.B
    if ranks.size > B:
        raise UsageError(
            f"{ranks.size} ranks, and B = {B} streams to share: some would have nothing to do",
            then=f"mpiexec -n {B} at most, or a larger train.batch_size",
        )


def _loaded(description: _Description) -> Corpus:
    corpus = load_corpus(description.config.data, description.vocabulary)
    if corpus.sha256 != description.corpus_sha256:
        raise DataError(
            "the text on this host is not that of the first rank's",
            where=named(description.config.data.text),
            then="put the same files at the same paths on every host",
        )
    return corpus
