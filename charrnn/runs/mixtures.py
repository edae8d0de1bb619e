"""The mixture of a run: where its file is, and which checkpoint it belongs to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import CheckpointError, argument, call
from charrnn.inference.mixture import file
from charrnn.inference.mixture.file import NAME, Belonging
from charrnn.inference.mixture.model import Mixture
from charrnn.nn.network import Network


class OtherCheckpointError(CheckpointError):
    """The mixture is one of another checkpoint."""


def belonging(network: Network, vocabulary: Vocabulary) -> Belonging:
    """What a mixture of this model belongs to: the symbols, and the parameters that predict.

    A copy of a checkpoint, as best.safetensors is of a numbered one, is the same model.
    """
    symbols = json.dumps([vocabulary.unit, *vocabulary.symbols])
    parameters = hashlib.sha256(f"{network.params.flat.dtype.str}".encode())
    parameters.update(np.ascontiguousarray(network.params.flat).tobytes())
    return Belonging(hashlib.sha256(symbols.encode()).hexdigest(), parameters.hexdigest())


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
    own = belonging(network, vocabulary)
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
