"""The composition root: from a Config to the objects it describes.

The only file that names every class; everything below it is told what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from charrnn import config as configuration
from charrnn.config import Config
from charrnn.config.schema import ModelConfig
from charrnn.data import Corpus, Feed, LineFeed, StreamFeed
from charrnn.errors import CheckpointError, ConfigError, DataError
from charrnn.nn.cells import GRU, LSTM, RNN, Cell
from charrnn.nn.initialisers import draw
from charrnn.nn.kernels import PLAIN, Kernels, LSTMVariant
from charrnn.nn.network import Network
from charrnn.nn.squash import SQUASH
from charrnn.optim import (
    Optimiser,
    Schedule,
    clip_by_norm,
    clip_by_value,
    make_optimiser,
    make_schedule,
)
from charrnn.reference import ReferenceNetwork
from charrnn.store import Checkpoint
from charrnn.text import Vocabulary
from charrnn.training.session import Limits, Rhythm, Session

Array = NDArray[Any]
INIT = 5  # names this use of the seed
SMALL_PRODUCT = 6_000_000  # multiply-adds of a step

# A pessimistic speed, for deciding from the configuration alone how many steps fit in a second.
SLOW_FLOPS, SLOW_CALL_SECONDS = 4e9, 30e-6


def kernels(config: Config, B: int) -> Kernels:
    """The implementation of the hot loops that `runtime.kernels` asks for, with B streams.

    A step's product (B, H) @ (H, G) that takes some tens of microseconds gains little from a
    second thread, and waits for it in vain whenever another program has that core: the loop then
    runs on one, and the products over whole windows on all.
    """
    if config.runtime.kernels == "numba":
        raise ConfigError("runtime.kernels: numba is not in this version", then="use auto or numpy")
    H, gates = config.model.hidden_size, {"rnn": 1, "gru": 3, "lstm": 4}[config.model.cell]
    if B * H * gates * H >= SMALL_PRODUCT:
        return PLAIN
    blas = ThreadpoolController().select(user_api="blas")
    return replace(PLAIN, in_loop=lambda: blas.limit(limits=1))


def network(config: Config, K: int, dtype: Any = None, B: int = 1) -> Network:
    """The network of a configuration for K symbols, its parameters zero, to be run on B streams."""
    model = config.model
    chosen = kernels(config, B)
    sizes = [K] + [model.hidden_size] * (model.num_layers - 1)
    return Network(
        [_cell(config, D, chosen) for D in sizes],
        K,
        bias=model.bias,
        dropout=model.dropout,
        dtype=dtype or config.runtime.dtype,
    )


def _cell(config: Config, D: int, chosen: Kernels) -> Cell:
    model = config.model
    if model.cell == "rnn":
        return RNN(D, model.hidden_size, model.bias, chosen, model.activation)
    if model.cell == "gru":
        return GRU(D, model.hidden_size, model.bias, chosen)
    return LSTM(D, model.hidden_size, model.bias, chosen, lstm_variant(config))


def lstm_variant(config: Config) -> LSTMVariant:
    """Which LSTM the configuration describes."""
    model = config.model
    return LSTMVariant(
        forget=_forget(model),
        peepholes=model.peepholes,
        squash_g=SQUASH[_squash(model.cell_input, "g")],
        squash_h=SQUASH[_squash(model.cell_output, "h")],
        truncate=config.bptt.cell_truncation == "1997",
    )


def _forget(model: ModelConfig) -> Any:
    if model.coupled_gates:
        return "coupled"
    return "gate" if model.forget_gate else "none"


def _squash(name: str, place: str) -> str:
    return f"logistic_{place}" if name == "logistic" else name


def reference(config: Config) -> ReferenceNetwork:
    """The textbook version of the same network: the oracle of `charrnn gradcheck`."""
    model = config.model
    return ReferenceNetwork(
        model.cell,
        model.num_layers,
        activation=model.activation,
        forget=_forget(model),
        squash_g=_squash(model.cell_input, "g"),
        squash_h=_squash(model.cell_output, "h"),
        truncate=config.bptt.cell_truncation == "1997",
    )


def initialise(net: Network, config: Config) -> None:
    """Draw every parameter from `train.seed`; the same for both dtypes up to rounding."""
    model, H = config.model, config.model.hidden_size
    rng = np.random.default_rng([INIT, config.train.seed])
    for name, view in net.params.items():
        letter = name.rsplit(".", 1)[-1]
        if letter not in ("W", "U", "V"):
            view[...] = 0
            continue
        init = getattr(model.init, letter)
        width = view.shape[1] if letter == "V" else H
        for start in range(0, view.shape[1], width):
            shape = (view.shape[0], width)
            view[:, start : start + width] = draw(rng, shape, init.scheme, init.scale, H)
    if model.cell == "lstm" and model.bias and _forget(model) == "gate":
        for index in range(model.num_layers):
            net.params[f"layers.{index}.b"][H : 2 * H] = model.forget_bias


def load_parameters(net: Network, arrays: Mapping[str, Array], where: str) -> None:
    """Copy parameters by name. Raises CheckpointError where names or shapes differ."""
    for name, view in net.params.items():
        if name not in arrays:
            raise CheckpointError(f"has no parameter {name}", where=where)
        if arrays[name].shape != view.shape:
            raise CheckpointError(
                f"{name} is {arrays[name].shape} there and {view.shape} here",
                where=where,
                then="give the same model.* keys, or leave them to the checkpoint",
            )
        view[...] = arrays[name]


def inherit_parameters(net: Network, arrays: Mapping[str, Array], K: int, where: str) -> None:
    """Copy the parameters of a model of K symbols into one that may have more after them.

    Rows of W and columns of V and c of the new symbols stay as they were initialised.
    """
    grown: dict[str, Any] = {
        "layers.0.W": np.s_[:K], "output.V": np.s_[:, :K], "output.c": np.s_[:K],
    }  # fmt: skip
    merged = dict(arrays)
    for name, part in grown.items():
        if name in arrays and name in net.params:
            array = net.params[name].copy()
            if array[part].shape == arrays[name].shape:
                array[part] = arrays[name]
                merged[name] = array
    load_parameters(net, merged, where)


def config_of(checkpoint: Checkpoint, where: str) -> Config:
    """The configuration that a checkpoint was trained with."""
    try:
        return configuration.from_dict(checkpoint.meta["config"], where)
    except KeyError:
        raise CheckpointError("holds no configuration", where=where) from None
    except ConfigError as error:
        raise CheckpointError(
            f"its configuration is not one of this version: {error}",
            where=where,
            then="read it with the charrnn that wrote it",
        ) from None


def vocabulary_of(checkpoint: Checkpoint) -> Vocabulary:
    """The vocabulary that travels with a checkpoint."""
    try:
        stored = checkpoint.meta["vocabulary"]
        return Vocabulary(stored["symbols"], stored["unit"])
    except (KeyError, TypeError, DataError):
        raise CheckpointError("holds no vocabulary that can be used") from None


def restore_network(checkpoint: Checkpoint, where: str) -> tuple[Network, Vocabulary, Config]:
    """All that sampling and scoring need."""
    config, vocabulary = config_of(checkpoint, where), vocabulary_of(checkpoint)
    net = network(config, vocabulary.K)
    load_parameters(net, checkpoint.arrays, where)
    return net, vocabulary, config


def feed(config: Config, corpus: Corpus) -> Feed:
    """The spans of the training part."""
    truncated = config.bptt.mode == "truncated"
    k1, k2 = (config.bptt.k1, config.bptt.k2) if truncated else (None, None)
    B, seed = config.train.batch_size, config.train.seed
    if corpus.lines is not None:
        return LineFeed(corpus.ids, corpus.lines["train"], B, k1, k2, seed)
    return StreamFeed(corpus.part("train"), B, k1, k2, seed)


def optimiser(config: Config, net: Network) -> Optimiser:
    """The update rule on the network's parameters."""
    keys = ("momentum", "nesterov", "rho", "beta1", "beta2", "epsilon", "weight_decay")
    settings = {key: getattr(config.optim, key) for key in keys}
    return make_optimiser(
        config.optim.name, net.params.flat, decayed=net.params.is_matrix(), **settings
    )


def schedule(config: Config) -> Schedule:
    """The learning rate over the run."""
    settings = config.optim.schedule.model_dump()
    return make_schedule(settings.pop("name"), config.optim.learning_rate, **settings)


def clipping(config: Config) -> Callable[[Array, float], None]:
    """The function that clips a gradient of known norm in place."""
    threshold, mode = config.optim.grad_clip, config.optim.grad_clip_mode
    if threshold is None:
        return lambda g, g_norm: None
    if mode == "norm":
        return lambda g, g_norm: clip_by_norm(g, g_norm, threshold)
    return lambda g, g_norm: clip_by_value(g, threshold)


def session(config: Config, corpus: Corpus) -> Session:
    """A run at its beginning."""
    net = network(config, corpus.vocabulary.K, B=config.train.batch_size)
    initialise(net, config)
    spans = feed(config, corpus)
    train = config.train
    symbols = list(corpus.vocabulary.symbols)
    return Session(
        network=net,
        optimiser=optimiser(config, net),
        schedule=schedule(config),
        feed=spans,
        corpus=corpus,
        limits=Limits(train.epochs, train.steps, train.minutes, train.early_stopping),
        rhythm=Rhythm(
            log=log_every(config, net, spans),
            evaluate=None if train.eval_every == "epoch" else train.eval_every,
            save=None if train.checkpoint_every == "epoch" else train.checkpoint_every,
            sample_length=train.sample_length,
        ),
        clip=clipping(config),
        reduction=train.loss_reduction,
        window=config.bptt.window,
        seed=train.seed,
        identity={
            "config": config.model_dump(mode="json"),
            "vocabulary": {"unit": corpus.vocabulary.unit, "symbols": symbols},
            "corpus_sha256": corpus.sha256,
        },
    )


def log_every(config: Config, net: Network, spans: Feed) -> int:
    """Steps between lines of metrics.jsonl, so that there is one at least every second.

    Decided from sizes alone, never from a clock: a run that is repeated writes the same lines.
    """
    if config.train.log_every != "auto":
        return config.train.log_every
    flops = 6 * net.params.flat.size * spans.T * spans.B
    calls = 40 * spans.T * len(net.cells)
    seconds = flops / SLOW_FLOPS + calls * SLOW_CALL_SECONDS / 10
    return max(int(0.5 / seconds), 1)
