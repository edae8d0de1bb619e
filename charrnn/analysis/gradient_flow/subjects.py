"""What `charrnn gradflow` measures: configurations, as drawn or trained a little, and runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charrnn import build
from charrnn.analysis.gradient_flow.flow import Flow, measure
from charrnn.analysis.gradient_flow.lags import ladder
from charrnn.analysis.gradient_flow.positions import WARMUP, positions
from charrnn.config import Config
from charrnn.config.cells import with_cell
from charrnn.config.schema import ModelConfig
from charrnn.data.corpus import Corpus, load_corpus
from charrnn.errors import ConfigError, DataError, DivergenceError, argument
from charrnn.nn.backends import NUMPY_BACKEND
from charrnn.nn.network import Network
from charrnn.runtime import memory
from charrnn.storage.checkpoint_folder import read_from

# What tells the cells compared apart; their other options stay as configured.
VARIANT = ("activation", "forget_gate", "peepholes", "coupled_gates")
COMPARED: dict[str, dict[str, Any]] = {
    "tanh RNN": {"cell": "rnn", "activation": "tanh"},
    "sigmoid RNN": {"cell": "rnn", "activation": "sigmoid"},
    "ReLU RNN": {"cell": "rnn", "activation": "relu"},
    "LSTM 1997": {"cell": "lstm", "forget_gate": False},
    "LSTM forget": {"cell": "lstm"},
    "LSTM peephole": {"cell": "lstm", "peepholes": True},
    "GRU": {"cell": "gru"},
}


@dataclass(frozen=True)
class Subject:
    """A float64 network, its text, and words for how it came about ("as drawn")."""

    name: str
    trained: str
    network: Network
    config: Config
    corpus: Corpus


@dataclass(frozen=True)
class Measured:
    """A subject and what was measured of it."""

    subject: Subject
    flow: Flow


def compared(config: Config) -> dict[str, Config]:
    """The seven cells, each with the configuration's H, layers and everything else."""
    return {name: _with_cell(config, model) for name, model in COMPARED.items()}


def _with_cell(config: Config, model: dict[str, Any]) -> Config:
    plain = {key: getattr(ModelConfig(), key) for key in VARIANT}
    return with_cell(config, **{**plain, **model})


def of_config(name: str, config: Config, steps: int, tell: Callable[[], object]) -> Subject:
    """The network of a configuration, drawn from `train.seed` and trained for some updates.

    `tell` is called after each. It is trained as `charrnn train` does it, without a run's folder,
    and not beyond the configuration's own epochs or minutes. Raises DivergenceError.
    """
    corpus = load_corpus(config.data)
    network = _float64(config, corpus.vocabulary.K)
    if not steps:
        build.initialise(network, config)
        return Subject(name, "as drawn, not trained", network, config, corpus)
    train = config.train.model_copy(update={"steps": steps})
    trainer = build.trainer(config.model_copy(update={"train": train}), corpus)
    trainer.clock.start()
    try:
        while trainer.reason_to_stop() is None:
            trainer.update()
            tell()
    except DivergenceError as error:
        raise DivergenceError(f"{name}: {error.what}", then=error.then) from None
    build.load_parameters(network, trainer.network.params, name)
    return Subject(name, f"trained for {trainer.step:,} steps", network, config, corpus)


def of_run(path: Path, which: str, text: Sequence[str]) -> Subject:
    """The network of a run or checkpoint, on its own text or another."""
    file, checkpoint = read_from(path, which)
    config, vocabulary = build.config_of(checkpoint, str(file)), build.vocabulary_of(checkpoint)
    network = _float64(config, vocabulary.K)
    build.load_parameters(network, checkpoint.arrays, str(file))
    data = config.data.model_copy(update={"text": tuple(text)} if text else {})
    try:
        corpus = load_corpus(data, vocabulary)
    except DataError as error:
        advice = (
            error.then
            if text
            else f"put the run's text back, or name another with {argument('files')}"
        )
        raise DataError(error.what, where=error.where, then=advice) from None
    return Subject(str(path), f"step {checkpoint.meta.step:,}", network, config, corpus)


def flow_of(subject: Subject, lags: int, count: int) -> Measured:
    """Measure it at `count` positions, `lags` characters back.

    Raises DataError for too short a text, ConfigError where the machine has not the memory.
    """
    _require_memory(subject, lags, count)
    return Measured(subject, measure(subject.network, positions(subject.corpus, count, lags)))


POSITIONS, FEWEST_POSITIONS = 64, 8
OPERATIONS = 1e11  # multiply-adds in about ten seconds of a processor of 2023, or a little more


def affordable(subject: Subject, lags: int, share: int = 1) -> int:
    """How many positions are measured where nobody says: decided from sizes alone.

    `share`: of so many subjects, which have the time together.
    """
    # Two passes over the window, and for each lag one step forward and two products backward.
    steps = 2 * (WARMUP + lags) + 3 * lags
    affordable = OPERATIONS / share / (steps * subject.network.params.flat.size)
    return max(min(int(affordable), POSITIONS), FEWEST_POSITIONS)


def _require_memory(subject: Subject, lags: int, count: int) -> None:
    network, characters = subject.network, subject.corpus.characters("train")
    T, B = min(WARMUP + lags, characters), min(count, characters)
    states, theta = min(lags, T) * network.zero_state(1).nbytes * B, network.params.flat.nbytes
    needed = 2 * network.tape_bytes(T, B) + states + theta * (len(ladder(lags)) + 3)
    try:
        memory.require(needed, f"measuring {subject.name}")
    except ConfigError as error:
        raise ConfigError(
            error.what, then=f"lower {argument('lags')} or {argument('positions')}"
        ) from None


def _float64(config: Config, K: int) -> Network:
    network = build.network(config, K, np.float64, for_inference=True)
    network.use(NUMPY_BACKEND)
    return network
