"""What errors do on their way back through a network: measured, bounded, judged."""

from charrnn.diagnostics.decay import Decay, fit
from charrnn.diagnostics.flow import Flow, LayerFlow, measure
from charrnn.diagnostics.lags import LagNorms, errors_back, lag_norms
from charrnn.diagnostics.positions import Positions, positions

__all__ = [
    "Decay", "Flow", "LagNorms", "LayerFlow", "Positions", "errors_back", "fit", "lag_norms",
    "measure", "positions",
]  # fmt: skip
