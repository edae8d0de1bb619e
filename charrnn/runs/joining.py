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
from charrnn.data.mapped_ids import MappedIds, dtype_for
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import DataError, UsageError
from charrnn.runs.folder import RunFolder
from charrnn.runs.launch import Launch
from charrnn.runtime.ranks import Ranks
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.shared import SharedCheckpoints

Made = TypeVar("Made")
Told = TypeVar("Told")


@dataclass(frozen=True)
class _Order:
    """What the other ranks are told of a run."""

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
    first, order = _led(ranks, launch_first, _order)
    corpus = _corpus(order, ranks.of_host(), first[0].trainer.corpus if first else None)
    launch = first[0] if first else _follow(order, corpus)
    _require_streams(launch, ranks)
    launch.trainer.join(ranks)
    launch.run.checkpoints = SharedCheckpoints(launch.run.checkpoints, ranks)
    launch.notices.append(
        "if one rank is killed, mpiexec ends all; the run then continues from its last checkpoint "
        f"with: {launch.resume_command}"
    )
    return launch


def _led(
    ranks: Ranks, work: Callable[[], Made], tell: Callable[[Made], Told]
) -> tuple[list[Made], Told]:
    """What rank 0 makes, the others having nothing, and what it tells of it to all."""
    made: list[Made] = []

    def lead() -> Told:
        made.append(work())
        return tell(made[0])

    told = ranks.run_on_first(lead)
    return made, told


def _order(launch: Launch) -> _Order:
    trainer, corpus = launch.trainer, launch.trainer.corpus
    return _Order(
        launch.config, launch.run.path, corpus.vocabulary, corpus.sha256, trainer.checkpoint(),
        trainer.clock.before, launch.fresh,
    )  # fmt: skip


def _follow(order: _Order, corpus: Corpus) -> Launch:
    trainer = build.trainer(order.config, corpus)
    trainer.restore(order.checkpoint, str(order.run))
    trainer.clock.before = order.seconds_before
    run = RunFolder(order.run, order.config.train.keep)
    return Launch(trainer, run, order.config, fresh=order.fresh)


def _corpus(order: _Order, host: Ranks, known: Corpus | None) -> Corpus:
    """The text's ids: made, or found, by one rank of the host, and of a file mapped by all."""
    own, parcel = _led(host, lambda: known or _loaded(order), _parcel)
    if own:
        return own[0]
    if parcel is None:
        return _loaded(order)
    corpus, path = parcel
    if path is None:
        return corpus
    return replace(corpus, ids=MappedIds(path, dtype_for(corpus.vocabulary.K)))


def _parcel(corpus: Corpus) -> tuple[Corpus, Path | None] | None:
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


def _loaded(order: _Order) -> Corpus:
    corpus = load_corpus(order.config.data, order.vocabulary)
    if corpus.sha256 != order.corpus_sha256:
        raise DataError(
            "the text on this host is not that of the first rank's",
            where=", ".join(order.config.data.text),
            then="put the same files at the same paths on every host",
        )
    return corpus
