"""What `charrnn gradcheck` checks for a configuration: its model and BPTT, small enough to prove.

The reduced problem keeps everything that has a gradient of its own (cell, variant, layers, bias,
dropout, BPTT mode, padding, reduction) and shrinks what only repeats it (H, K, B, T).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charrnn import build
from charrnn.analysis.gradcheck.comparison import Problem, chain
from charrnn.analysis.gradcheck.reference.network import ReferenceNetwork
from charrnn.config import Config
from charrnn.config.cells import cell_options
from charrnn.data.layout import layout_of
from charrnn.data.loader import EpochBounds
from charrnn.nn.bptt import Batch
from charrnn.nn.dropout import draw_weight_masks
from charrnn.nn.network import Network
from charrnn.storage.checkpoint import Checkpoint

REDUCED_H, REDUCED_K, REDUCED_B, REDUCED_K1 = 6, 7, 3, 4
OWN_B, OWN_K1 = 2, 25
SHARE = 12  # names this use of the seed


@dataclass(frozen=True)
class Case:
    """A network in float64, what is checked about it, and a sentence that says so.

    `reduced`: to a size at which it takes a moment to check every entry.
    """

    network: Network
    config: Config
    problem: Problem
    claim: str
    reduced: bool

    @property
    def rng(self) -> np.random.Generator:
        """What draws a share of the entries."""
        return np.random.default_rng([self.config.train.seed, SHARE])


def case(config: Config, K: int | None = None, checkpoint: Checkpoint | None = None) -> Case:
    """The case of a configuration, reduced unless K says its own vocabulary size.

    A checkpoint's own parameters are used where one is given; otherwise they are drawn.
    """
    own = K is not None
    if not own:
        config = _reduce(config)
    rng = np.random.default_rng([config.train.seed, 0])
    network = build.network(config, K or REDUCED_K, np.float64)
    if checkpoint is not None:
        build.load_parameters(network, checkpoint.arrays, "checkpoint")
    else:
        build.initialise(network, config)
        for view in network.params.values():
            # Where biases are zero and matrices small a wrong term could hide.
            view += 0.3 * rng.standard_normal(view.shape)
    problem, claim = _problem(config, network, rng, OWN_B if own else REDUCED_B)
    return Case(network, config, problem, claim, reduced=not own)


def reference_of(config: Config) -> ReferenceNetwork:
    """The textbook version of a configuration's network: what its gradients are held to."""
    return ReferenceNetwork(config.model.cell, config.model.num_layers, cell_options(config))


def _reduce(config: Config) -> Config:
    model = config.model.model_copy(
        update={"hidden_size": min(config.model.hidden_size, REDUCED_H)}
    )
    k1 = min(config.bptt.k1, REDUCED_K1)
    longer = config.bptt.k2 > config.bptt.k1
    window = config.bptt.window if config.bptt.window == "auto" else min(config.bptt.window, 3)
    bptt = config.bptt.model_copy(
        update={"k1": k1, "k2": k1 + 3 if longer else k1, "window": window}
    )
    return config.model_copy(update={"model": model, "bptt": bptt})


def _problem(
    config: Config, network: Network, rng: np.random.Generator, B: int
) -> tuple[Problem, str]:
    truncated = config.bptt.mode == "truncated"
    k1 = min(config.bptt.k1, OWN_K1)
    k2 = k1 if config.bptt.k2 == config.bptt.k1 else min(config.bptt.k2, k1 + OWN_K1)
    T = 2 * k1 + k2 if truncated else 2 * REDUCED_K1 + 1
    x = rng.integers(0, network.K, (T, B))
    y = rng.integers(0, network.K, (T, B))
    mask = None
    if layout_of(config.data).boundary is not None:
        mask = np.arange(T)[:, None] < T - np.arange(B) * (T // (2 * B))
    parts = EpochBounds(T, k1, k2) if truncated else EpochBounds(T, T, T)
    batches = [
        Batch(
            x[c.start : c.stop], y[c.start : c.stop], c.first, c.advance,
            None if mask is None else mask[c.start : c.stop],
        )
        for c in parts
    ]  # fmt: skip
    state = 0.5 * rng.standard_normal(network.zero_state(B).shape)
    masks = None
    if config.model.dropout:
        kept = 1 - config.model.dropout
        steps = 1 if config.model.variational_dropout else T
        drawn = (rng.random((len(network.cells), steps, B, network.H)) < kept) / kept
        masks = np.broadcast_to(drawn, (len(network.cells), T, B, network.H))
    weight_masks = draw_weight_masks(network.params, config.model.weight_dropout, rng)
    count = sum(batch.count for batch in batches)
    scale = 1 / count if config.train.loss_reduction == "mean" else 1 / B
    states = chain(network, batches, state)
    return Problem(batches, states, scale, masks, weight_masks), _claim(config, k1, k2, T)


def _claim(config: Config, k1: int, k2: int, T: int) -> str:
    if config.bptt.mode == "full":
        claim = f"full BPTT over {T} steps"
    else:
        claim = (
            f"truncated BPTT({k1}, {k2}) over {T} steps: the state {k2} characters before each "
            "update's end, or at the text's beginning, is held constant"
        )
    if config.bptt.cell_truncation == "1997":
        claim += "; 1997 truncation: what gates and cell input see of the past is held constant"
    return claim
