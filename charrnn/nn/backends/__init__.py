"""A backend: one implementation of the hot loops that every network runs.

The NumPy functions read like the equations and are never deleted: the compiled ones are held to
them by tests. A cell brings its own loops over time (`Cell.loops`, `Cell.compiled`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from charrnn.nn import window

Array = NDArray[Any]
Ids = NDArray[np.integer]


class Gather(Protocol):
    """out = X W + b for one-hot rows X: ids (N,), W (K, G), out (N, G), b (G,) or None."""

    def __call__(self, ids: Ids, W: Array, out: Array, b: Array | None = None) -> None: ...


class Scatter(Protocol):
    """dW += Xᵀ dA for one-hot rows X, db += Σ da_n: ids (N,), dA (N, G), dW (K, G), db (G,)."""

    def __call__(self, ids: Ids, dA: Array, dW: Array, db: Array | None = None) -> None: ...


class SoftmaxCrossEntropy(Protocol):
    """Logits Z (N, K) become probabilities in place; returns E (N,) in nats for ids y (N,)."""

    def __call__(self, Z: Array, y: Ids) -> Array: ...


class CrossEntropyGradient(Protocol):
    """p (N, K) becomes dz = (p - y) · scale in place, zero where mask (N,) is false."""

    def __call__(self, p: Array, y: Ids, scale: float, mask: Array | None) -> None: ...


class Scan(Protocol):
    """Read ids x (T, B) by a stack of cells, of which nothing but the state is kept.

    `state` (L, n, B, H) becomes that after the last step. `outputs` (T or 0, B, H) are those of
    the top layer, for as many steps as it has. `layers` are the cells' weights.
    """

    def __call__(
        self, cells: Sequence[Any], layers: Sequence[dict[str, Array]], x: Ids, state: Array,
        outputs: Array,
    ) -> None: ...  # fmt: skip


class CrossEntropy(Protocol):
    """E (N,) in nats of logits Z (N, K), which are scratch then, for ids y (N,).

    With it, whether y is the likeliest id (N,), the first of equal ones.
    """

    def __call__(self, Z: Array, y: Ids) -> tuple[Array, NDArray[np.bool_]]: ...


class AddProduct(Protocol):
    """out += Xᵀ Y, the gradient of weights: X (N, H), Y (N, G), out (H, G)."""

    def __call__(self, X: Array, Y: Array, out: Array) -> None: ...


class LearnOutputs(Protocol):
    """The gradient of scale · Σ E by the outputs (N, H), V and c, for targets y (N,).

    Fills dH (N, H), adds to dV (H, K) and dc (K,), and returns E (N,) in nats. c and dc are None
    without biases; rows whose mask (N,) is false have no gradient.
    """

    def __call__(
        self, outputs: Array, y: Ids, V: Array, c: Array | None, scale: float,
        mask: NDArray[np.bool_] | None, dV: Array, dc: Array | None, dH: Array,
    ) -> Array: ...  # fmt: skip


class AdamStep(Protocol):
    """One update of `optim.Adam` in one pass over θ; returns whether θ, m and v are finite."""

    def __call__(
        self, theta: Array, g: Array, m: Array, v: Array, decay: Array | None, rate: float,
        betas: tuple[float, float], epsilon: float, corrections: tuple[float, float],
    ) -> bool: ...  # fmt: skip


class MeanStep(Protocol):
    """One update of `optim.WeightAverage` in one pass over θ."""

    def __call__(self, mean: Array, theta: Array, share: float) -> None: ...


@dataclass(frozen=True)
class Backend:
    """One implementation of every loop outside the cells.

    `is_compiled`: cells use their compiled loops too, where they have them. `adam_step` and
    `mean_step` are None where the optimiser's own NumPy code is the implementation; `scan` and
    `cross_entropy` where windows with a tape serve reading too; `learn_outputs` where its parts do.
    """

    name: str
    is_compiled: bool
    gather: Gather
    scatter: Scatter
    softmax_cross_entropy: SoftmaxCrossEntropy
    cross_entropy_gradient: CrossEntropyGradient
    adam_step: AdamStep | None = None
    mean_step: MeanStep | None = None
    scan: Scan | None = None
    cross_entropy: CrossEntropy | None = None
    add_product: AddProduct = window.add_product
    learn_outputs: LearnOutputs | None = None


NUMPY_BACKEND = Backend(
    name="numpy",
    is_compiled=False,
    gather=window.gather,
    scatter=window.scatter,
    softmax_cross_entropy=window.softmax_cross_entropy,
    cross_entropy_gradient=window.cross_entropy_gradient,
)
