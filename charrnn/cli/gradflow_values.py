"""The JSON of `charrnn gradflow`; docs/gradflow.md says what each key is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

from charrnn.analysis.gradient_flow.decay import Decay
from charrnn.analysis.gradient_flow.flow import Flow
from charrnn.analysis.gradient_flow.subjects import Measured

Values = dict[str, Any]


def values(measured: Sequence[Measured]) -> Values:
    """One object; arrays begin at lag 0."""
    return {"models": [_model(one) for one in measured]}


def _model(one: Measured) -> Values:
    subject, flow = one.subject, one.flow
    return {
        "name": subject.name, "trained": subject.trained, "text": list(subject.config.data.text),
        "model": subject.config.model.model_dump(mode="json"),
        "lags": flow.norms.max_lag, "positions": flow.norms.positions,
        "layers": [_layer(flow, index) for index in range(len(flow.layers))],
        "truncation": [asdict(row) for row in flow.truncations],
        "verdict": asdict(flow.verdict),
    }  # fmt: skip


def _layer(flow: Flow, index: int) -> Values:
    layer, norms, bounds = flow.layers[index], flow.norms, flow.bounds
    return {
        "layer": index, "verdict": layer.kind,
        "dE_dh": norms.h[index].tolist(),
        "dE_ds": None if norms.s is None else norms.s[index].tolist(),
        "bound": None if bounds is None else bounds[index].tolist(),
        "rate_bound": layer.rate_bound,
        "decay_h": _decay(layer.decay_h, norms.max_lag),
        "decay_s": _decay(layer.decay_s, norms.max_lag),
        "U": [asdict(spectrum) for spectrum in layer.spectra],
        "saturation": [asdict(saturation) for saturation in layer.saturations],
    }  # fmt: skip


def _decay(decay: Decay | None, max_lag: int) -> Values | None:
    if decay is None:
        return None
    half_life = decay.half_life if isfinite(decay.half_life) else None
    return {
        "rate": decay.rate, "half_life": half_life, "fitted_to": decay.last,
        "longer_than_measured": decay.half_life > max_lag,
    }  # fmt: skip
