"""Train a configuration as a user would, and read texts with the network that comes out."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn import build
from charrnn.data.vocabulary import Vocabulary
from charrnn.nn.network import Network
from charrnn.storage.checkpoint import read
from charrnn.storage.checkpoint_folder import locate

Array = NDArray[Any]

CONFIGS = Path(__file__).parents[2] / "configs" / "papers"
CHUNK = 2048  # steps of one forward call on a stream
BATCH = 64  # lines read side by side


@dataclass(frozen=True)
class Model:
    """A network and its vocabulary."""

    network: Network
    vocabulary: Vocabulary

    @property
    def parameters(self) -> int:
        return int(self.network.params.flat.size)


@dataclass(frozen=True)
class Trained:
    """The network at the end of a run, and the wall time of the whole `charrnn train`."""

    model: Model
    seconds: float
    val_loss: float


def train(name: str, text: str, seed: int, sets: Sequence[str] = ()) -> Trained:
    """Run `charrnn train configs/papers/NAME.yaml` on a text, in a process of its own.

    The seconds are everything: starting Python, reading the text, training, evaluating, saving.
    """
    with TemporaryDirectory() as folder:
        corpus, run = Path(folder) / "text.txt", Path(folder) / "run"
        corpus.write_bytes(text.encode("ascii"))
        command = [
            sys.executable, "-m", "charrnn", "train", str(CONFIGS / f"{name}.yaml"),
            "--text", str(corpus), "--seed", str(seed), "--out", str(run),
            "--format", "json", "--quiet", *(part for item in sets for part in ("--set", item)),
        ]  # fmt: skip
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True)
        seconds = time.perf_counter() - began
        if done.returncode:
            sys.exit(done.stderr)
        checkpoint = locate(run, "last")
        network, vocabulary, _ = build.restore_network(read(checkpoint), str(checkpoint))
    return Trained(Model(network, vocabulary), seconds, json.loads(done.stdout)["val_loss"])


def read_stream(model: Model, text: str) -> Iterator[tuple[Array, Array]]:
    """Logits (T, K) after each character, and the state after them, by chunks.

    One stream from a zero state that is never reset.
    """
    ids = model.vocabulary.encode(text, "error", "the test text")
    state = model.network.zero_state(1)
    for start in range(0, len(ids), CHUNK):
        tape = model.network.forward(ids[start : start + CHUNK, None], state)
        logits = model.network.logits(tape)[:, 0].copy()
        state = model.network.state_after(tape, tape.T)
        yield logits, state


def read_lines(model: Model, lines: Sequence[str]) -> list[Array]:
    """For each line the logits (len + 1, K): after the boundary, and after each character."""
    found: list[Array] = [np.empty(0)] * len(lines)
    order = sorted(range(len(lines)), key=lambda index: len(lines[index]))
    for start in range(0, len(order), BATCH):
        members = order[start : start + BATCH]
        x = _side_by_side(model.vocabulary, [lines[index] for index in members])
        network = model.network
        logits = network.logits(network.forward(x, network.zero_state(len(members))))
        for column, index in enumerate(members):
            found[index] = logits[: len(lines[index]) + 1, column].copy()
    return found


def _side_by_side(vocabulary: Vocabulary, lines: Sequence[str]) -> NDArray[np.int32]:
    """Ids (T, B), each line after the boundary; the shorter ones are padded with boundaries."""
    length = max(map(len, lines)) + 1
    rows = [("\n" + line).ljust(length, "\n") for line in lines]
    ids = vocabulary.encode("".join(rows), "error", "the test text")
    return np.ascontiguousarray(ids.reshape(len(rows), length).T)


def legal_first(Z: Array, legal: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether, step by step, every legal symbol is likelier than every one that is not.

    Z (T, K) are logits or probabilities, `legal` (T, K) the grammar's answer.
    """
    least = np.where(legal, Z, np.inf).min(axis=-1)
    most = np.where(legal, -np.inf, Z).max(axis=-1)
    return np.asarray(least > most)


def legal_mask(vocabulary: Vocabulary, successors: Sequence[str]) -> NDArray[np.bool_]:
    """A row (K,) for each string of symbols: which symbols are in it."""
    table = {
        symbols: [symbol in symbols for symbol in vocabulary.symbols] for symbols in set(successors)
    }
    return np.array([table[symbols] for symbols in successors], bool)
