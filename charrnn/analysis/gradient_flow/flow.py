"""All that `charrnn gradflow` measures of one network, in one sweep back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.analysis.gradient_flow.lags import (
    QUIET,
    Decay,
    LagNorms,
    Truncation,
    fit,
    gradients_back,
    keeping,
    ladder,
    norms_of,
    truncations,
)
from charrnn.analysis.gradient_flow.positions import Positions
from charrnn.analysis.gradient_flow.saturation import Saturation, saturations
from charrnn.analysis.gradient_flow.spectrum import Spectrum, bounds, rate_bound, spectra
from charrnn.analysis.gradient_flow.verdict import Kind, Verdict, judge, kind_of
from charrnn.nn.network import Network
from charrnn.nn.params import Params

Array = NDArray[Any]


@dataclass(frozen=True)
class LayerFlow:
    """What a layer does to gradients. `rate_bound` is γ ‖U‖, None for gated cells."""

    decay_h: Decay | None
    decay_s: Decay | None
    kind: Kind
    spectra: list[Spectrum]
    saturations: list[Saturation]
    rate_bound: float | None


@dataclass(frozen=True)
class Flow:
    """Norms by lag, what bounds and explains them, and what truncation costs.

    `bounds` (L, max_lag + 1) is the bound on the median ‖∂E_t/∂h_{t-k}‖, None for gated cells.
    """

    norms: LagNorms
    bounds: Array | None
    layers: list[LayerFlow]
    truncations: list[Truncation]
    verdict: Verdict


@QUIET
def measure(network: Network, at: Positions) -> Flow:
    """Measure a network, which should be float64, at positions of a text."""
    state = network.zero_state(at.x.shape[1])
    kept: dict[int, Params] = {}
    sweep = gradients_back(network, at.x, at.y, state, at.max_lag)
    norms = norms_of(keeping(sweep, ladder(at.max_lag), kept))
    rows = truncations(kept)
    saturated = saturations(network, at.x, state)
    layers = [_layer(network, norms, index, found) for index, found in enumerate(saturated)]
    top = layers[-1]
    verdict = judge(
        network.cells[-1], [layer.kind for layer in layers], (top.decay_h, top.decay_s),
        top.rate_bound, top.saturations, rows,
    )  # fmt: skip
    bound = bounds(network, float(np.median(norms.entry)), at.max_lag)
    return Flow(norms, bound, layers, rows, verdict)


def _layer(network: Network, norms: LagNorms, index: int, found: list[Saturation]) -> LayerFlow:
    h, s = fit(norms.h[index]), None if norms.s is None else fit(norms.s[index])
    finite = bool(np.isfinite(norms.h[index]).all())
    kind = kind_of((h, s), norms.max_lag) if finite else "explodes"
    return LayerFlow(
        h, s, kind, spectra(network, index), found,
        rate_bound(network, index),
    )  # fmt: skip
