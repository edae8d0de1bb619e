"""From a configuration and a corpus to a run at its beginning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from charrnn.build.hardware import threads
from charrnn.build.models import initialise, network
from charrnn.config import Config
from charrnn.data.corpus import Corpus
from charrnn.data.loader import DataLoader, StreamLoader
from charrnn.data.sequence_loader import SequenceLoader
from charrnn.nn import bptt
from charrnn.nn.network import Network
from charrnn.runtime import memory
from charrnn.runtime.workers import WorkerPool
from charrnn.training.optim.averaging import WeightAverage
from charrnn.training.optim.optimisers import Optimiser, clip_by_norm, clip_by_value, make_optimiser
from charrnn.training.optim.schedules import Schedule, make_schedule
from charrnn.training.plan import Intervals, Limits
from charrnn.training.state import TrainingState
from charrnn.training.trainer import Trainer

Array = NDArray[Any]
# A pessimistic speed, for deciding from the configuration alone how many steps fit in a second.
SLOW_FLOPS, SLOW_CALL_SECONDS = 4e9, 30e-6


def loader(config: Config, corpus: Corpus) -> DataLoader:
    """The batches of the training part."""
    truncated = config.bptt.mode == "truncated"
    k1, k2 = (config.bptt.k1, config.bptt.k2) if truncated else (None, None)
    B, seed = config.train.batch_size, config.train.seed
    rows = corpus.rows["train"]
    if corpus.boundary is not None:
        return SequenceLoader(corpus.ids, rows, B, k1, k2, seed)
    return StreamLoader(corpus.ids, B, k1, k2, seed, rows)


def optimiser(config: Config, net: Network) -> Optimiser:
    """The update rule on the network's parameters."""
    keys = ("momentum", "nesterov", "rho", "beta1", "beta2", "epsilon", "weight_decay")
    settings = {key: getattr(config.optim, key) for key in keys}
    return make_optimiser(
        config.optim.name,
        net.params.flat,
        decayed=net.params.is_matrix(),
        adam_step=net.backend.adam_step,
        **settings,
    )


def average(config: Config, net: Network) -> WeightAverage | None:
    """The mean of the parameters on the way, where one is asked for."""
    decay = config.optim.ema_decay
    return None if decay is None else WeightAverage(net.params.flat, decay, net.backend.mean_step)


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


def training_bytes(config: Config, net: Network, batches: DataLoader) -> int:
    """Bytes of the parameters, their gradient, the optimiser's vectors, and the tape."""
    slots = {"sgd": 0, "adam": 2, "adamw": 2}.get(config.optim.name, 1)
    window = bptt.window_length(config.bptt.window, batches.longest, batches.B)
    slots += 2 * (config.optim.ema_decay is not None)
    return net.params.flat.nbytes * (3 + slots) + net.tape_bytes(window, batches.B)


def limits(config: Config) -> Limits:
    """What ends a run."""
    train = config.train
    return Limits(
        train.epochs,
        train.steps,
        train.minutes,
        train.early_stopping,
        train.max_rollbacks if train.on_divergence == "rollback" else 0,
        train.whole_epochs,
    )


def trainer(config: Config, corpus: Corpus) -> Trainer:
    """A run at its beginning."""
    net = network(config, corpus.vocabulary.K)
    batches = loader(config, corpus)
    memory.require(training_bytes(config, net, batches), "training")
    initialise(net, config)
    train = config.train
    symbols = list(corpus.vocabulary.symbols)
    return Trainer(
        pool=WorkerPool(net, threads(config).split),
        state=TrainingState(
            net,
            optimiser(config, net),
            schedule(config),
            average(config, net),
            carried=net.zero_state(batches.B),
        ),
        loader=batches,
        corpus=corpus,
        limits=limits(config),
        intervals=Intervals(
            log=log_every(config, net, batches),
            evaluate=None if train.eval_every == "epoch" else train.eval_every,
            save=None if train.checkpoint_every == "epoch" else train.checkpoint_every,
            sample_length=train.sample_length,
        ),
        clip=clipping(config),
        reduction=train.loss_reduction,
        window=config.bptt.window,
        seed=train.seed,
        weight_dropout=config.model.weight_dropout,
        identity={
            "config": config.model_dump(mode="json", exclude={"ngram"}),  # of the run, not of it
            "vocabulary": {"unit": corpus.vocabulary.unit, "symbols": symbols},
            "text_characters": corpus.text_characters,
            "corpus_sha256": corpus.sha256,
            "text_bytes": text_bytes(config),
        },
    )


def text_bytes(config: Config) -> dict[str, int]:
    """Bytes of each text; what is no file, such as stdin, is left out."""
    files = [Path(name) for name in config.data.text]
    return {str(path): path.stat().st_size for path in files if path.is_file()}


def log_every(config: Config, net: Network, batches: DataLoader) -> int:
    """Steps between lines of metrics.jsonl, so that there is one at least every second.

    Decided from sizes alone, never from a clock: a run that is repeated writes the same lines.
    """
    if config.train.log_every != "auto":
        return config.train.log_every
    flops = 6 * net.params.flat.size * batches.T * batches.B
    calls = 40 * batches.T * len(net.cells)
    seconds = flops / SLOW_FLOPS + calls * SLOW_CALL_SECONDS / 10
    return max(int(0.5 / seconds), 1)
