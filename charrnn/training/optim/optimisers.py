"""Update rules on the flat vector θ, in place; m and v are running moments of the gradient g.

`slots` are the vectors that a checkpoint must keep besides θ. Nothing is allocated in `update`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import inf, isfinite, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.params import aligned_zeros

Array = NDArray[Any]
AdamStep = Callable[..., bool]  # with the arguments of `Adam.plain_step`


class Optimiser(ABC):
    """One rule. `steps` counts its updates; a rate above `high_rate` is seldom a good one."""

    slot_names: tuple[str, ...] = ()
    high_rate: float = inf

    def __init__(self, theta: Array) -> None:
        self.theta = theta
        self.steps = 0
        self.slots = {name: aligned_zeros(len(theta), theta.dtype) for name in self.slot_names}
        self._scratch = np.empty_like(theta)

    def update(self, g: Array, rate: float) -> bool:
        """One step with gradient g and learning rate `rate`; g may be destroyed.

        Returns whether θ and the slots are finite after it.
        """
        self.steps += 1
        self._update(g, rate)
        return self._is_finite()

    @abstractmethod
    def _update(self, g: Array, rate: float) -> None: ...

    def _is_finite(self) -> bool:
        return all(map(is_finite, (self.theta, *self.slots.values())))

    def _decay_mean(self, mean: Array, value: Array, decay: float) -> None:
        """mean ← decay · mean + (1 - decay) · value; value may be scratch and is destroyed."""
        mean *= decay
        np.multiply(value, 1 - decay, out=self._scratch)
        mean += self._scratch


class SGD(Optimiser):
    """θ ← θ - η g."""

    high_rate = 1.0

    def _update(self, g: Array, rate: float) -> None:
        np.multiply(g, rate, out=self._scratch)
        self.theta -= self._scratch


class Momentum(Optimiser):
    """m ← μ m + g, θ ← θ - η m; Nesterov: θ ← θ - η (g + μ m) (Sutskever et al. 2013)."""

    slot_names = ("m",)
    high_rate = 0.2

    def __init__(self, theta: Array, momentum: float, nesterov: bool) -> None:
        super().__init__(theta)
        self.momentum, self.nesterov = momentum, nesterov

    def _update(self, g: Array, rate: float) -> None:
        m = self.slots["m"]
        m *= self.momentum
        m += g
        if self.nesterov:
            np.multiply(m, self.momentum, out=self._scratch)
            self._scratch += g
        else:
            self._scratch[...] = m
        self._scratch *= rate
        self.theta -= self._scratch


class Adagrad(Optimiser):
    """v ← v + g², θ ← θ - η g / (√v + ε) (Duchi, Hazan & Singer 2011)."""

    slot_names = ("v",)
    high_rate = 0.1

    def __init__(self, theta: Array, epsilon: float) -> None:
        super().__init__(theta)
        self.epsilon = epsilon

    def _update(self, g: Array, rate: float) -> None:
        v = self.slots["v"]
        np.multiply(g, g, out=self._scratch)
        v += self._scratch
        _subtract_ratio(self.theta, g, v, 1.0, rate, self.epsilon, self._scratch)


class RMSProp(Optimiser):
    """v ← ρ v + (1 - ρ) g², θ ← θ - η g / (√v + ε) (Tieleman & Hinton 2012)."""

    slot_names = ("v",)
    high_rate = 0.01

    def __init__(self, theta: Array, rho: float, epsilon: float) -> None:
        super().__init__(theta)
        self.rho, self.epsilon = rho, epsilon

    def _update(self, g: Array, rate: float) -> None:
        v = self.slots["v"]
        np.multiply(g, g, out=self._scratch)
        self._decay_mean(v, self._scratch, self.rho)
        _subtract_ratio(self.theta, g, v, 1.0, rate, self.epsilon, self._scratch)


class Adam(Optimiser):
    """m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g², θ ← θ - η m̂ / (√v̂ + ε) (Kingma & Ba 2015).

    m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ). With weight decay λ (AdamW, Loshchilov & Hutter
    2019): θ ← θ - η λ θ before the step, for the matrices only.
    """

    slot_names = ("m", "v")
    high_rate = 0.01

    def __init__(
        self,
        theta: Array,
        beta1: float,
        beta2: float,
        epsilon: float,
        weight_decay: float = 0.0,
        decayed: NDArray[np.bool_] | None = None,
        step: AdamStep | None = None,
    ) -> None:
        super().__init__(theta)
        self.betas, self.epsilon = (beta1, beta2), epsilon
        self.decay = None
        if weight_decay:
            share = np.ones_like(theta) if decayed is None else decayed.astype(theta.dtype)
            self.decay = share * weight_decay
        self._step = step or self.plain_step

    def _update(self, g: Array, rate: float) -> None:
        m_scale, v_scale = (1 / (1 - beta**self.steps) for beta in self.betas)
        self._finite = self._step(
            self.theta, g, self.slots["m"], self.slots["v"], self.decay, rate, self.betas,
            self.epsilon, (m_scale, v_scale),
        )  # fmt: skip

    def _is_finite(self) -> bool:
        return self._finite

    def plain_step(
        self, theta: Array, g: Array, m: Array, v: Array, decay: Array | None, rate: float,
        betas: tuple[float, float], epsilon: float, corrections: tuple[float, float],
    ) -> bool:  # fmt: skip
        """One step in NumPy; `decay` (P,) is λ for the elements that shrink, or None.

        Returns whether θ, m and v are finite after it.
        """
        if decay is not None:
            np.multiply(theta, decay, out=self._scratch)
            self._scratch *= rate
            theta -= self._scratch
        self._decay_mean(m, g, betas[0])
        np.multiply(g, g, out=self._scratch)
        self._decay_mean(v, self._scratch, betas[1])
        m_scale, v_scale = corrections
        _subtract_ratio(theta, m, v, v_scale, rate * m_scale, epsilon, self._scratch)
        return all(map(is_finite, (theta, m, v)))


def _subtract_ratio(
    theta: Array, m: Array, v: Array, v_scale: float, rate: float, epsilon: float, scratch: Array
) -> None:
    """θ ← θ - rate · m / (√(v_scale · v) + ε), without allocating."""
    np.multiply(v, v_scale, out=scratch)
    np.sqrt(scratch, out=scratch)
    scratch += epsilon
    np.divide(m, scratch, out=scratch)
    scratch *= rate
    theta -= scratch


def make_optimiser(
    name: str,
    theta: Array,
    *,
    momentum: float = 0.9,
    nesterov: bool = False,
    rho: float = 0.95,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
    decayed: NDArray[np.bool_] | None = None,
    adam_step: AdamStep | None = None,
) -> Optimiser:
    """The optimiser of that name on θ; `decayed` marks the elements that weight decay shrinks.

    `adam_step` takes the place of `Adam.plain_step`.
    """
    if name == "sgd":
        return SGD(theta)
    if name == "momentum":
        return Momentum(theta, momentum, nesterov)
    if name == "adagrad":
        return Adagrad(theta, epsilon)
    if name == "rmsprop":
        return RMSProp(theta, rho, epsilon)
    if name == "adam":
        return Adam(theta, beta1, beta2, epsilon, step=adam_step)
    if name == "adamw":
        return Adam(theta, beta1, beta2, epsilon, weight_decay, decayed, adam_step)
    raise ValueError(f"no optimiser {name!r}")


def is_finite(array: Array) -> bool:
    """Whether every element is; one dot product where that does not overflow."""
    flat = array.reshape(-1)
    return isfinite(float(np.dot(flat, flat))) or bool(np.isfinite(flat).all())


def norm(g: Array) -> float:
    """‖g‖₂ of the flat gradient."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = float(np.dot(g, g))
        if np.isfinite(squares):
            return sqrt(squares)
        return float(np.linalg.norm(g.astype(np.float64)))


def clip_by_norm(g: Array, g_norm: float, threshold: float) -> None:
    """g ← g · threshold / ‖g‖ in place, where ‖g‖ exceeds the threshold."""
    if g_norm > threshold:
        g *= threshold / g_norm


def clip_by_value(g: Array, threshold: float) -> None:
    """Cut every element of g to [-threshold, threshold] in place."""
    np.clip(g, -threshold, threshold, out=g)
