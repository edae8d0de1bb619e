"""The mixture of a run: where its file is, and which checkpoint it belongs to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from charrnn import build
from charrnn.data.corpus import Corpus
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import CheckpointError, DataError, argument, call
from charrnn.inference.mixture import file
from charrnn.inference.mixture.evaluation import evaluate_mixture
from charrnn.inference.mixture.file import NAME, ModelHashes
from charrnn.inference.mixture.model import Mixture
from charrnn.nn.network import Network
from charrnn.runs.folder import RunFolder
from charrnn.runtime import memory
from charrnn.runtime.workers import WorkerPool, threads
from charrnn.storage.checkpoint import read
from charrnn.storage.checkpoint_folder import no_checkpoint

BYTES_WHILE_COUNTING = 56  # a character
STREAMS = 16  # of the network, side by side, as in validation


class OtherCheckpointError(CheckpointError):
    """The mixture is one of another checkpoint."""


def model_hashes(network: Network, vocabulary: Vocabulary) -> ModelHashes:
    """Of the model that a mixture is for: of its symbols, and of the parameters that predict.

    A copy of a checkpoint, as best.safetensors is of a numbered one, is the same model.
    """
    symbols = json.dumps([vocabulary.unit, *vocabulary.symbols])
    parameters = hashlib.sha256(f"{network.params.flat.dtype.str}".encode())
    parameters.update(np.ascontiguousarray(network.params.flat).tobytes())
    return ModelHashes(hashlib.sha256(symbols.encode()).hexdigest(), parameters.hexdigest())


def mixture_beside(checkpoint: Path) -> Path | None:
    """The mixture's file: beside the checkpoint, or in the run's folder; None where it is not."""
    places = [checkpoint.parent / NAME]
    if checkpoint.parent.name == "checkpoints":
        places.append(checkpoint.parent.parent / NAME)
    return next((place for place in places if place.is_file() or place.is_symlink()), None)


def read_mixture(path: Path, network: Network, vocabulary: Vocabulary) -> Mixture:
    """The mixture of this very model.

    Raises OtherCheckpointError where it is of another, and CheckpointError where it is damaged.
    """
    own = model_hashes(network, vocabulary)
    mixture, found = file.read(path, own.vocabulary)
    if mixture.K != vocabulary.K:
        raise CheckpointError("is damaged: its K is not the vocabulary's", where=str(path))
    if found.checkpoint != own.checkpoint:
        raise OtherCheckpointError(
            "belongs to another checkpoint",
            where=str(path),
            then=f"make it again: {call('mix', 'RUN')}; or leave it: {argument('use', 'network')}",
        )
    return mixture


@dataclass(frozen=True)
class AddedMixture:
    """What was added to a run: the n-gram's order, and nats per character of the validation part.

    `val_loss` is the mixture's, `parts` those of the network and of the n-gram alone; None where
    there is no validation part. `size`: bytes of the file.
    """

    path: Path
    order: int
    val_loss: float | None
    parts: dict[str, float] | None
    size: int


def add_mixture(run: RunFolder, order: int | str, corpus: Corpus) -> AddedMixture:
    """Fit the n-gram of the training part, beside the run's best checkpoint, and write the file.

    The validation part is scored once, from weights that are not tuned on anything; the mean of
    those that it comes to is kept for sampling. Raises DataError and CheckpointError.
    """
    path = run.checkpoints.best()
    if path is None:
        raise no_checkpoint(run.path)
    network, vocabulary, config = build.restore_network(read(path), str(path))
    if vocabulary != corpus.vocabulary:
        raise DataError("the text is in another vocabulary than the model", where=str(path))
    ids, lengths = corpus.sequences(corpus.rows["train"])
    memory.require(BYTES_WHILE_COUNTING * len(ids), "the n-gram")
    mixture = Mixture.fitted(ids, lengths, vocabulary.K, None if order == "auto" else int(order))
    val_loss, parts = None, None
    if corpus.characters("val"):
        build.use_compiled_if_worthwhile(network, config, corpus.characters("val"))
        scorer = mixture.scorer(averages=True)
        with threads(config.runtime.threads) as available, threads(1):
            pool = WorkerPool(network, available)
            score = evaluate_mixture(pool, corpus, "val", scorer, streams=STREAMS)
        mixture = mixture.with_weights(scorer.mean_weights())
        val_loss, parts = score.whole.nats_per_char, score.parts
    file.write(run.mixture, mixture, model_hashes(network, vocabulary))
    return AddedMixture(run.mixture, mixture.order, val_loss, parts, run.mixture.stat().st_size)


def warm_up_mixture(K: int) -> None:
    """Count and score a few characters, so that compiled loops are there for many."""
    ids = np.arange(64, dtype=np.int32) % min(K, 8)
    mixture = Mixture.fitted(ids, np.array([len(ids)]), K, None)
    mixture.scorer().score(np.zeros((2, K), np.float32), ids[:2])
