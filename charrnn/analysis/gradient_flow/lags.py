"""How large the gradient of one step's loss is when it has travelled k steps back.

The gradient of the last step's loss alone, E_t, flows back through windows of one step, chained by
what `Network.backward` returns, the gradient of the initial state (BPTT.6):

    (FLOW.1) e_0 = ∂E_t/∂state_t,  e_k = e_{k-1} J_{t-k+1} = ∂E_t/∂state_{t-k}

The state is that of all layers, h and for the LSTM s, each an entry of its own: the part of e_k
for h of a layer is the derivative by the h_{t-k} that step t-k+1 receives, with all else that it
receives held constant, s_{t-k} and the other layers included. It is exactly what truncation after
k steps leaves out. At lag 0 only h of the top layer has a part, since nothing else is read by E_t.

`truncations` sets truncated BPTT's gradient beside the one that goes all the way back:
BPTT(1, k2) of (BPTT.7): every loss's gradient goes back the same k2 steps. "Full" is back to the
beginning of the window that was measured, not of the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import exp, inf, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.network import LogitGradient, Network
from charrnn.nn.params import Params
from charrnn.runtime.progress import counted

Array = NDArray[Any]
Ids = NDArray[np.integer]
# A vanishing or exploding norm is a finding here, not a mishap.
QUIET = np.errstate(over="ignore", under="ignore", invalid="ignore")


@dataclass(frozen=True)
class LagNorms:
    """‖∂E_t/∂h_{t-k}‖ and ‖∂E_t/∂s_{t-k}‖, the median over `positions`, at [layer, k].

    `h` and `s` are (L, max_lag + 1), in nats per unit of h or s; `s` is None where cells have
    none. `entry` (positions,) is ‖∂E_t/∂h_t‖ of the top layer, each position's own.
    """

    h: Array
    s: Array | None
    entry: Array

    @property
    def max_lag(self) -> int:
        return self.h.shape[1] - 1

    @property
    def positions(self) -> int:
        return len(self.entry)


@QUIET
def lag_norms(network: Network, x: Ids, y: Ids, state: Array, max_lag: int) -> LagNorms:
    """Norms by lag of the gradient of the last step's loss, one position in each column.

    x, y: ids (T, B), T ≥ max_lag; state: (L, n, B, H) before the first step. The network's
    parameters are not changed. Give a float64 network: in float32 small norms underflow.
    """
    return norms_of(e for e, _ in gradients_back(network, x, y, state, max_lag))


def norms_of(errors: Iterable[Array]) -> LagNorms:
    """The norms of e_0, e_1, … (L, n, B, H)."""
    norms = np.stack([np.linalg.norm(e, axis=-1) for e in errors], axis=2)
    median = np.median(norms, axis=-1)
    s = median[:, 1] if median.shape[1] > 1 else None
    return LagNorms(median[:, 0], s, norms[-1, 0, 0])


def gradients_back(
    network: Network, x: Ids, y: Ids, state: Array, max_lag: int
) -> Iterator[tuple[Array, Params]]:
    """e_k (L, n, B, H) for k = 0 … max_lag (FLOW.1), arguments as `lag_norms`.

    With each comes the gradient summed so far: after lag k it is dΣE_t/dθ truncated after k
    steps, BPTT(1, k) of (BPTT.7), summed over the columns. It is one object, added to later.
    """
    if not 0 < max_lag <= len(x):
        raise ValueError(f"max_lag is {max_lag}, of a window of {len(x)} steps")
    grad = network.params.like()
    whole = network.forward(x, state)
    entries = [network.state_after(whole, t) for t in range(len(x) - max_lag, len(x))]
    e = np.zeros_like(state)
    steps = counted(reversed(entries), "following gradients back", max_lag)
    for lag, entry in enumerate(steps, start=1):
        at = slice(len(x) - lag, len(x) - lag + 1)
        tape = network.forward(x[at], entry)
        prediction = network.predict(tape, y[at], first=min(lag - 1, 1))
        dz = network.loss_gradient(prediction, y[at], 1.0)
        if lag == 1:
            yield _at_the_step(network, dz, e), grad
        e = network.backward(tape, dz, e, grad)
        yield e, grad


def _at_the_step(network: Network, dz: LogitGradient, zeros: Array) -> Array:
    """e_0: (p - y) Vᵀ for h of the top layer (CE.3), nothing for the rest."""
    e = zeros.copy()
    e[-1, 0] = dz.dZ[0] @ network.params["output.V"].T
    return e


@dataclass(frozen=True)
class Decay:
    """norm(k) ≈ const · rate^k, fitted to lags 1 to `last`.

    `half_life` in characters is -ln 2 / ln rate; inf where norms do not fall.
    """

    rate: float
    last: int

    @property
    def half_life(self) -> float:
        if self.rate == 0:
            return 0.0
        return log(2) / -log(self.rate) if self.rate < 1 else inf

    def left_after(self, lags: int) -> float:
        """The share of the gradient at one lag that the fit leaves `lags` later."""
        return exp(min(lags * log(self.rate), 700.0)) if self.rate else 0.0


def fit(norms: Array) -> Decay | None:
    """Least squares on ln norms (max_lag + 1,), from lag 1 to the last above numeric noise.

    Noise begins where the dtype's numbers lose their digits: tiny / eps, 1e-292 in float64. None
    where no gradient arrives at lag 1. Where one arrives there and none at lag 2 the rate is 0.
    """
    limits = np.finfo(norms.dtype)
    usable = np.isfinite(norms) & (norms > limits.tiny / limits.eps)
    usable[0] = True
    last = int(np.argmin(usable)) - 1 if not usable.all() else len(norms) - 1
    if last < 1:
        return None
    if last == 1:
        return Decay(0.0, 1) if len(norms) > 2 and norms[2] < norms[1] else None
    derivative = np.polyfit(np.arange(1, last + 1), np.log(norms[1 : last + 1]), 1)[0]
    return Decay(exp(min(derivative, 700.0)), last)


LADDER = (1, 2, 5)  # k2 = 1, 2, 5, 10, 20, 50, …


@dataclass(frozen=True)
class Truncation:
    """The gradient truncated after k2 steps beside the full one, of all parameters and of the U.

    `cosine` is that of the angle between them, `norm_ratio` is truncated / full.
    """

    k2: int
    cosine: float
    norm_ratio: float
    cosine_U: float
    norm_ratio_U: float


def ladder(longest: int) -> list[int]:
    """1, 2, 5, 10, 20, … up to `longest`, which is the last."""
    steps = (m * 10**power for power in range(len(str(longest))) for m in LADDER)
    return [*(k for k in steps if k < longest), longest]


def keeping(
    sweep: Iterable[tuple[Array, Params]], k2s: Iterable[int], kept: dict[int, Params]
) -> Iterator[Array]:
    """The errors of `gradients_back`; on the way, copies of the gradients after k2 steps."""
    wanted = set(k2s)
    for lag, (e, grad) in enumerate(sweep):
        if lag in wanted:
            kept[lag] = grad.astype(grad.flat.dtype)
        yield e


def truncations(kept: Mapping[int, Params]) -> list[Truncation]:
    """Each of the gradients by k2 beside that with the largest, which is the full one."""
    full = kept[max(kept)]
    rows = []
    for k2, grad in sorted(kept.items()):
        whole, own = _beside(grad.flat, full.flat), _beside(_recurrent(grad), _recurrent(full))
        rows.append(Truncation(k2, *whole, *own))
    return rows


def _recurrent(grad: Params) -> Array:
    return np.concatenate([g.reshape(-1) for name, g in grad.items() if name.endswith(".U")])


def _beside(part: Array, full: Array) -> tuple[float, float]:
    """Cosine and ratio of norms; nan where a norm is 0 or not finite."""
    with np.errstate(all="ignore"):
        # Divided by the largest entry, an exploded gradient can still be squared.
        scale = np.abs(full).max(initial=0)
        part, full = part / scale, full / scale
        norm, full_norm = np.linalg.norm(part), np.linalg.norm(full)
        return float(part @ full / (norm * full_norm)), float(norm / full_norm)
