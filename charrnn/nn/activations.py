"""Activation functions φ and their derivatives φ', written in terms of the output y = φ(a).

All the smooth ones are α tanh(β a) + γ, and their derivatives are quadratics in y. So one
`tanh` over a block of gates activates all of them, whatever mixture of σ and tanh they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Activation:
    """φ(a) = alpha · tanh(beta · a) + gamma, and φ' = c0 + c1 y + c2 y²."""

    name: str
    beta: float = 1.0
    alpha: float = 1.0
    gamma: float = 0.0
    c0: float = 1.0
    c1: float = 0.0
    c2: float = -1.0

    def apply(self, a: Array, out: Array | None = None) -> None:
        """out = φ(a), in place where no `out` is given."""
        out = a if out is None else out
        if self.beta != 1:
            a = np.multiply(a, self.beta, out=out)
        np.tanh(a, out=out)
        if self.alpha != 1:
            out *= self.alpha
        if self.gamma != 0:
            out += self.gamma

    def derivative(self, y: Array, out: Array) -> None:
        """out = φ'(a), where y = φ(a)."""
        np.multiply(y, self.c2, out=out)
        if self.c1 != 0:
            out += self.c1
        out *= y
        if self.c0 != 0:
            out += self.c0


class _ReLU(Activation):
    """max(a, 0). Its derivative at 0 is taken as 0."""

    def apply(self, a: Array, out: Array | None = None) -> None:
        np.maximum(a, 0, out=a if out is None else out)

    def derivative(self, y: Array, out: Array) -> None:
        out[...] = y.real > 0


class _Identity(Activation):
    """φ(a) = a."""

    def apply(self, a: Array, out: Array | None = None) -> None:
        if out is not None:
            out[...] = a


TANH = Activation("tanh")
# σ(a) = (1 + tanh(a/2)) / 2 cannot overflow; σ' = y - y².
SIGMOID = Activation("sigmoid", beta=0.5, alpha=0.5, gamma=0.5, c0=0.0, c1=1.0)
RELU = _ReLU("relu")
IDENTITY = _Identity("identity", c2=0.0)
# The pair of the 1997 LSTM: g(a) = 4σ(a) - 2 = 2 tanh(a/2), h(s) = 2σ(s) - 1 = tanh(s/2).
LOGISTIC_G = Activation("logistic_g", beta=0.5, alpha=2.0, c2=-0.25)
LOGISTIC_H = Activation("logistic_h", beta=0.5, c0=0.5, c2=-0.5)

ACTIVATIONS = {s.name: s for s in (TANH, SIGMOID, RELU, IDENTITY, LOGISTIC_G, LOGISTIC_H)}


class GateBlock:
    """Activates the gates of a (B, G) block in one pass, each column group by its own function."""

    def __init__(
        self, activations: list[Activation], width: int, B: int, dtype: np.dtype[Any]
    ) -> None:
        def rows(name: str) -> Array:
            # A full (B, G) array: NumPy is four times as fast on it as on a broadcast row.
            row = np.repeat([getattr(activation, name) for activation in activations], width)
            return np.ascontiguousarray(np.broadcast_to(row.astype(dtype), (B, row.size)))

        self.beta, self.alpha, self.gamma = rows("beta"), rows("alpha"), rows("gamma")
        self.c0, self.c1, self.c2 = rows("c0"), rows("c1"), rows("c2")
        self._linear = [
            slice(k * width, (k + 1) * width)
            for k, activation in enumerate(activations)
            if activation is IDENTITY
        ]

    def apply(self, a: Array, out: Array) -> None:
        """out = φ(a); a is destroyed."""
        a *= self.beta
        np.tanh(a, out=out)
        for columns in self._linear:
            out[:, columns] = a[:, columns]
        out *= self.alpha
        out += self.gamma

    def derivative(self, y: Array, out: Array) -> None:
        """out = φ', where y = φ(a)."""
        np.multiply(y, self.c2, out=out)
        out += self.c1
        out *= y
        out += self.c0
