"""The mixture's file: one safetensors beside a run's checkpoints, enough without the text.

    text, symbol, count, ref, first, link, discounts     the n-gram (`trie`)
    weights, visits                                      those reached on the validation part

Its JSON says the format, K, the order, and what the mixture belongs to. Compiled loops read these
arrays without looking at bounds, so that everything they rely on is checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CheckpointError
from charrnn.inference.mixture.mixing import Weights
from charrnn.inference.mixture.model import Mixture
from charrnn.inference.mixture.trie import MAX_ORDER, Trie
from charrnn.storage.atomic import write_atomically
from charrnn.storage.sealed import seal, unseal

Array = NDArray[Any]
NAME = "mixture.safetensors"
KEY = "charrnn-mixture"
FORMAT = 1
LARGEST_WEIGHT = 1e6  # far beyond what learning comes to
AGAIN = "make it again: charrnn mix RUN"
SYMBOLS = "U8 U16 U32"
DTYPES = {
    "text": SYMBOLS, "symbol": SYMBOLS, "count": "I32", "ref": "I32", "first": "I32",
    "link": "I32", "discounts": "F64", "weights": "F64", "visits": "I64",
}  # fmt: skip


@dataclass(frozen=True)
class ModelHashes:
    """SHA-256 of the vocabulary that ids mean, and of the checkpoint that weights are for.

    The n-gram fits every checkpoint of its vocabulary, and the weights nearly so.
    """

    vocabulary: str
    checkpoint: str


def to_bytes(mixture: Mixture, hashes: ModelHashes) -> bytes:
    """The file's content; the same mixture gives the same bytes."""
    reached = mixture.reached or mixture.initial_weights()
    meta = {
        "format": FORMAT, "K": mixture.K, "order": mixture.order,
        "reached": mixture.reached is not None,
        "vocabulary": hashes.vocabulary, "checkpoint": hashes.checkpoint,
    }  # fmt: skip
    arrays = {**mixture.trie.arrays, "weights": reached.sets, "visits": reached.visits}
    return seal(KEY, arrays, meta)


def write(path: Path, mixture: Mixture, hashes: ModelHashes) -> None:
    """Write atomically. Raises CheckpointError if the disk will not have it."""
    write_atomically(path, to_bytes(mixture, hashes))


def read(path: Path, vocabulary: str) -> tuple[Mixture, ModelHashes]:
    """Read and verify, whatever bytes the file has.

    Raises CheckpointError naming what is wrong with it, or that its vocabulary is another.
    """
    where = str(path)
    try:
        arrays, meta = unseal(path, KEY, DTYPES)
        _require_known(meta.get("format"), where)
        hashes = ModelHashes(_text(meta, "vocabulary"), _text(meta, "checkpoint"))
        mixture = _mixture(arrays, meta)
    except FileNotFoundError:
        raise CheckpointError("no such mixture", where=where, then=AGAIN) from None
    except ValueError as error:
        problem = str(error)[:200]
        raise CheckpointError(f"is damaged: {problem}", where=where, then=AGAIN) from None
    except OSError as error:
        raise CheckpointError(f"cannot be read: {error}", where=where) from None
    if hashes.vocabulary != vocabulary:
        raise CheckpointError("is of a model with another vocabulary", where=where, then=AGAIN)
    return mixture, hashes


def _require_known(number: Any, where: str) -> None:
    if type(number) is not int or number < 1:
        raise ValueError("its format is not a number")
    if number > FORMAT:
        raise CheckpointError(
            f"was written by a newer charrnn (this one reads format {FORMAT})",
            where=where,
            then="upgrade charrnn",
        )


def _mixture(arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> Mixture:
    K, order = _number(meta, "K", 1 << 31), _number(meta, "order", MAX_ORDER)
    names = ("text", "symbol", "count", "ref", "first", "link", "discounts")
    trie = Trie(K, order, **{name: arrays[name] for name in names})
    trie.require_sound()
    reached = Weights(arrays["weights"], arrays["visits"])
    mixture = Mixture(trie)
    usual = mixture.initial_weights()
    if reached.sets.shape != usual.sets.shape or reached.visits.shape != usual.visits.shape:
        raise ValueError("its weights have another shape")
    if not (np.abs(reached.sets) <= LARGEST_WEIGHT).all() or (reached.visits < 0).any():
        raise ValueError("its weights are not numbers")
    return mixture.with_weights(reached) if meta.get("reached") is True else mixture


def _number(meta: Mapping[str, Any], name: str, most: int) -> int:
    value = meta.get(name)
    if type(value) is not int or not 1 <= value <= most:
        raise ValueError(f"its {name} is not a number from 1 to {most}")
    return value


def _text(meta: Mapping[str, Any], name: str) -> str:
    value = meta.get(name)
    if not isinstance(value, str):
        raise ValueError(f"it does not say its {name}")
    return value
