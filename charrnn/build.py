"""The composition root: from a Config to the objects it describes.

The only file that names every class; everything below it is told what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from charrnn import bptt, memory
from charrnn import config as configuration
from charrnn.config import Config
from charrnn.config.schema import ModelConfig
from charrnn.data import Corpus, Feed, LineFeed, StreamFeed
from charrnn.errors import CheckpointError, ConfigError, MissingExtraError
from charrnn.generation import Continuation, Sampling, plain_continuation
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
from charrnn.parallel import StreamSplit
from charrnn.reference import ReferenceNetwork
from charrnn.restoring import check_model, require_finite, require_shape
from charrnn.store import Checkpoint
from charrnn.text import Vocabulary
from charrnn.training import Limits, Rhythm, Session

Array = NDArray[Any]
INIT = 5  # names this use of the seed
# Characters that plain kernels draw, or read, in about the time that importing Numba takes.
WORTH_COMPILED_SAMPLING = 4000
WORTH_COMPILED_READING = 30_000
WORTH_COMPILING = 32  # hidden units
FEWEST_STREAMS = 4  # that a thread of a split is worth
SHARED_PRODUCT = 6_000_000  # multiply-adds of a step that several BLAS threads are worth

# A pessimistic speed, for deciding from the configuration alone how many steps fit in a second.
SLOW_FLOPS, SLOW_CALL_SECONDS = 4e9, 30e-6


def kernels(config: Config, *, brief: bool = False) -> Kernels:
    """The implementation of the hot loops that `runtime.kernels` asks for.

    "auto" is the compiled ones where Numba is installed, unless the work is `brief` or the model
    so small that importing and compiling would be most of it. Raises MissingExtraError where Numba
    is asked for and not installed.
    """
    asked = config.runtime.kernels
    if asked == "numba":
        return fast_kernels()
    if asked == "auto" and not brief and _worth_compiling(config) and has_numba():
        return fast_kernels()
    return PLAIN


def would_be_faster(config: Config) -> bool:
    """Whether "auto" would take the compiled kernels if Numba were installed."""
    return config.runtime.kernels == "auto" and _worth_compiling(config) and not has_numba()


def _worth_compiling(config: Config) -> bool:
    return config.model.hidden_size >= WORTH_COMPILING


def _columns(model: ModelConfig) -> int:
    """The gate columns G."""
    return {"rnn": 1, "gru": 3, "lstm": 4}[model.cell] * model.hidden_size


def fast_kernels() -> Kernels:
    """The compiled kernels. Imports Numba; raises MissingExtraError where it is not installed."""
    try:
        from charrnn.nn.kernels.fast import FAST
    except ImportError as error:
        raise MissingExtraError(
            f"runtime.kernels: numba needs Numba ({error})", then="pip install 'charrnn[fast]'"
        ) from None
    return FAST


@dataclass(frozen=True)
class Threads:
    """How many threads split the streams, and how many BLAS has in each."""

    split: int
    blas: int

    @property
    def count(self) -> int:
        return max(self.split, self.blas)


def threads(config: Config) -> Threads:
    """How `runtime.threads` are used, "auto" being as many as BLAS would take.

    A split of the streams uses them for everything, where each thread gets enough streams. For a
    few streams BLAS has them, if a step's product (B, H) @ (H, G) is large enough to share.
    """
    asked = config.runtime.threads
    available = asked if asked != "auto" else _blas_threads()
    B, H = config.train.batch_size, config.model.hidden_size
    split = min(available, B // FEWEST_STREAMS)
    if split > 1:
        return Threads(split, 1)
    return Threads(1, available if B * H * _columns(config.model) >= SHARED_PRODUCT else 1)


def _blas_threads() -> int:
    return max((pool["num_threads"] for pool in threadpool_info()), default=1)


def continuation(
    net: Network, sampling: Sampling, boundary: int | None, characters: int
) -> Continuation:
    """What draws characters: compiled where Numba is installed and there are many to draw."""
    if characters >= WORTH_COMPILED_SAMPLING and has_numba():
        from charrnn.nn.kernels.fast.sampling import continuation

        return continuation(
            net, sampling.temperature, sampling.top_k, sampling.top_p, sampling.allowed, boundary
        )
    return plain_continuation(net, sampling, boundary)


def has_numba() -> bool:
    """Whether the extra charrnn[fast] is there, without importing it."""
    return find_spec("numba") is not None


def parameter_shapes(config: Config, K: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of all parameters, in their order, without allocating them."""
    model = config.model
    for index in range(model.num_layers):
        cell = _cell(config, model.hidden_size if index else K, PLAIN)
        for letter, shape in cell.shapes().items():
            yield f"layers.{index}.{letter}", shape
    yield "output.V", (model.hidden_size, K)
    if model.bias:
        yield "output.c", (K,)


def parameter_count(config: Config, K: int) -> int:
    """How many numbers the parameters are, however many layers there are."""
    model = config.model
    few = model.model_copy(update={"num_layers": min(model.num_layers, 2)})
    shapes = parameter_shapes(config.model_copy(update={"model": few}), K)
    sizes = {name: prod(shape) for name, shape in shapes}
    upper = sum(size for name, size in sizes.items() if name.startswith("layers.1."))
    return sum(sizes.values()) + upper * max(model.num_layers - 2, 0)


def network(config: Config, K: int, dtype: Any = None, *, brief: bool = False) -> Network:
    """The network of a configuration for K symbols, its parameters zero; `brief` as in `kernels`.

    Raises ConfigError if it is larger than the machine's memory.
    """
    model = config.model
    itemsize = np.dtype(dtype or config.runtime.dtype).itemsize
    memory.require(parameter_count(config, K) * itemsize, "the model")
    chosen = kernels(config, brief=brief)
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
    """Copy parameters by name. Raises CheckpointError for any that is missing, of another shape,
    or not finite.
    """
    for name, view in net.params.items():
        if name not in arrays:
            raise CheckpointError(f"has no parameter {name}", where=where)
        require_shape(name, arrays[name], view.shape, where)
        with np.errstate(over="ignore"):
            view[...] = arrays[name]
        require_finite(name, view, where)


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
    """The configuration that a checkpoint was trained with.

    Raises CheckpointError where it is not one, or not the one of the checkpoint's parameters.
    """
    try:
        config = configuration.from_dict(checkpoint.meta["config"], "it")
    except ConfigError as error:
        raise CheckpointError(
            f"its configuration is not one of this version:\n  {error}".replace("\nit:", "\n  it:"),
            where=where,
            then="read it with the charrnn that wrote it",
        ) from None
    K = len(checkpoint.meta["vocabulary"]["symbols"])
    check_model(config, checkpoint, parameter_shapes(config, K), where)
    return config


def vocabulary_of(checkpoint: Checkpoint) -> Vocabulary:
    """The vocabulary that travels with a checkpoint."""
    stored = checkpoint.meta["vocabulary"]
    return Vocabulary(stored["symbols"], stored["unit"])


def restore_network(checkpoint: Checkpoint, where: str) -> tuple[Network, Vocabulary, Config]:
    """All that sampling and scoring need."""
    config, vocabulary = config_of(checkpoint, where), vocabulary_of(checkpoint)
    net = network(config, vocabulary.K, brief=True)
    load_parameters(net, checkpoint.arrays, where)
    return net, vocabulary, config


def hasten(net: Network, config: Config, characters: int) -> None:
    """Let compiled kernels read a text of so many characters, where that saves time."""
    if characters >= WORTH_COMPILED_READING:
        net.use(kernels(config))


def warm_up(net: Network, *, learning: bool = True) -> None:
    """Run a window of two characters, so that compiled kernels are there for the next one."""
    x, state = np.zeros((2, 1), np.int32), net.zero_state(1)
    twin = net.twin()
    if learning:
        for mask in (None, np.ones((2, 1), np.bool_)):
            bptt.gradient(twin, bptt.Span(x, x, mask=mask), state, net.params.like(), 1.0)
    else:
        twin.losses(twin.forward(x, state), x)


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
        config.optim.name,
        net.params.flat,
        decayed=net.params.is_matrix(),
        adam_step=net.kernels.adam_step,
        **settings,
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


def training_bytes(config: Config, net: Network, spans: Feed) -> int:
    """Bytes of the parameters, their gradient, the optimiser's vectors, and the tape."""
    slots = {"sgd": 0, "adam": 2, "adamw": 2}.get(config.optim.name, 1)
    window = bptt.window_length(config.bptt.window, spans.longest, spans.B)
    return net.params.flat.nbytes * (3 + slots) + net.tape_bytes(window, spans.B)


def session(config: Config, corpus: Corpus) -> Session:
    """A run at its beginning."""
    net = network(config, corpus.vocabulary.K)
    spans = feed(config, corpus)
    memory.require(training_bytes(config, net, spans), "training")
    initialise(net, config)
    train = config.train
    symbols = list(corpus.vocabulary.symbols)
    return Session(
        split=StreamSplit(net, threads(config).split),
        optimiser=optimiser(config, net),
        schedule=schedule(config),
        feed=spans,
        corpus=corpus,
        limits=Limits(
            train.epochs,
            train.steps,
            train.minutes,
            train.early_stopping,
            train.max_rollbacks if train.on_divergence == "rollback" else 0,
        ),
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
            "text_bytes": text_bytes(config),
        },
    )


def text_bytes(config: Config) -> dict[str, int]:
    """Bytes of each text; what is no file, such as stdin, is left out."""
    files = [Path(name) for name in config.data.text]
    return {str(path): path.stat().st_size for path in files if path.is_file()}


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
