"""Singular values and eigenvalues of U, and the bound that they put on gradients going back.

Pascanu, Mikolov & Bengio (2013): for the vanilla RNN ‖∂h_t/∂h_{t-k}‖ ≤ (γ ‖U‖)^k, where γ is the
largest derivative of φ and ‖U‖ the largest singular value (BPTT.8). Gated cells have no such
bound: the derivatives in their Jacobians are multiplied by states, which no constant bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.network import Network

Array = NDArray[Any]
MAX_DERIVATIVE = {"tanh": 1.0, "sigmoid": 0.25, "relu": 1.0, "identity": 1.0}  # γ


@dataclass(frozen=True)
class Spectrum:
    """One block of U: its largest singular value and its spectral radius."""

    block: str
    sigma_max: float
    radius: float
    recurs: bool


def spectra(network: Network, layer: int) -> list[Spectrum]:
    """Of every H × H block of the layer's U, in the order of its columns."""
    cell, found = network.cells[layer], []
    by_gate = cell.by_gate(network.params[f"layers.{layer}.U"])
    for gate in cell.gates:
        part = by_gate[gate.name]
        radius = float(np.abs(np.linalg.eigvals(part)).max())
        found.append(Spectrum(gate.name, _norm(part), radius, gate.is_candidate))
    return found


def rate_bound(network: Network, layer: int) -> float | None:
    """γ ‖U‖: by how much a step back can lengthen a gradient; None for a gated cell."""
    return _rate(network, layer, "U")


def bounds(network: Network, entry: float, max_lag: int) -> Array | None:
    """The bound on ‖e_k‖ for h of every layer, (L, max_lag + 1); None for gated cells.

    `entry` is ‖e_0‖, which lies on the top layer. A lower layer gets what its own next step sends
    and what the layer above passes down at every step:

        (FLOW.2) d_l = β_l + γ ‖W_{l+1}‖ d_{l+1}, with d = β on the top; then β_l ← γ ‖U_l‖ d_l

    For the top layer this is ‖e_0‖ (γ ‖U‖)^k.
    """
    L = len(network.cells)
    rates = [rate_bound(network, layer) for layer in range(L)]
    if None in rates:
        return None
    down = [_rate(network, layer, "W") or 0.0 for layer in range(1, L)]
    bound = np.zeros((L, max_lag + 1))
    bound[-1, 0] = entry
    for k in range(max_lag):
        arriving = 0.0
        for layer in reversed(range(L)):
            passed = down[layer] * arriving if layer < L - 1 else 0.0
            arriving = bound[layer, k] + passed
            bound[layer, k + 1] = (rates[layer] or 0.0) * arriving
    return bound


def _rate(network: Network, layer: int, letter: str) -> float | None:
    phi = network.cells[layer].bounding_activation
    if phi is None:
        return None
    return MAX_DERIVATIVE[phi.name] * _norm(network.params[f"layers.{layer}.{letter}"])


def _norm(matrix: Array) -> float:
    return float(np.linalg.norm(matrix, 2))
