"""`charrnn.gradflow`: how far gradients reach back, and what truncation cuts off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from charrnn import build
from charrnn.analysis.gradient_flow.flow import Flow
from charrnn.analysis.gradient_flow.lags import Decay
from charrnn.analysis.gradient_flow.subjects import (
    COMPARED,
    Measured,
    Subject,
    affordable,
    compared,
    flow_of,
    of_config,
    of_run,
)
from charrnn.api.arguments import require
from charrnn.api.gradcheck import is_run, resolved
from charrnn.api.settings import AnyConfig, AnyPath, flags, load_config
from charrnn.config import Config
from charrnn.errors import UsageError, argument, notice
from charrnn.report.figures.gradient_flow import draw
from charrnn.report.figures.style import require_drawable
from charrnn.runtime.progress import working
from charrnn.runtime.workers import threads

Values = dict[str, Any]


@dataclass(frozen=True)
class GradientFlow:
    """What was measured of each model, in the order they were named."""

    measured: Sequence[Measured]

    def values(self) -> Values:
        """The object of `charrnn gradflow --format json`; docs/gradflow.md says what the keys are.

        Arrays begin at lag 0.
        """
        return {"models": [_model(one) for one in self.measured]}


def gradflow(
    *sources: AnyConfig,
    settings: Mapping[str, Any] | None = None,
    files: AnyPath | Sequence[AnyPath] | None = None,
    compare: bool = False,
    steps: int = 0,
    lags: int = 100,
    positions: int | None = None,
    checkpoint: str = "best",
    plot: AnyPath | None = None,
) -> GradientFlow:
    """Follow the gradient of one character's loss back through the text, in float64.

    `sources`: configurations, as in `load_config`, trained for `steps` updates first; or runs and
    checkpoints. `files`: another text. `compare`: seven cells with the one configuration's size.
    `lags`: how far back; `positions`: places in the text that the medians are over, else 64, or as
    many, of large models, as take about ten seconds. `plot`: where a figure is drawn to, which
    needs the extra `plot`.

    Raises UsageError where arguments do not go together, ConfigError, DataError, CheckpointError.

    >>> flow = charrnn.gradflow("runs/tiny", lags=10, positions=4)
    >>> model, = flow.values()["models"]
    >>> model["lags"], len(model["layers"][0]["dE_dh"])
    (10, 11)
    """
    require(steps=steps, lags=lags, positions=positions, checkpoint=checkpoint)
    if plot is not None:
        require_drawable(Path(fspath(plot)), "plot")
    found = _subjects(
        [resolved(source) for source in sources], flags(files, settings), compare, steps, checkpoint
    )
    measured = []
    for subject in found:
        count = positions or affordable(subject, lags, share=len(COMPARED) if compare else 1)
        with threads(1):  # products of few rows, which a second thread only waits for
            measured.append(flow_of(subject, lags, count))
    for one in measured:
        if (reached := one.flow.norms.max_lag) < lags:
            notice(
                f"{one.subject.name}: gradients are followed {reached} characters back, not "
                f"{lags}: the text or its lines are no longer"
            )
    if plot is not None:
        draw(measured, Path(fspath(plot)))
    return GradientFlow(measured)


def _subjects(
    sources: Sequence[AnyConfig], settings: Mapping[str, Any], compare: bool, steps: int,
    checkpoint: str,
) -> Iterator[Subject]:  # fmt: skip
    """Configurations are read, and usage is checked, before the first network is made."""
    runs = [str(source) for source in sources if is_run(source)]
    own = set(settings) - {"data.text"}
    if compare and (runs or len(sources) > 1):
        compares = argument("compare")
        raise UsageError(f"{compares} takes one configuration at most, and gives it seven cells")
    if runs and (own or steps):
        name = argument("settings" if own else "steps")
        raise UsageError(f"{name} is for a configuration, and {min(runs)} is measured as it is")
    made = [
        (_name(source), None if is_run(source) else load_config(source, settings))
        for source in sources or (None,)
    ]
    if compare:
        made = [*compared(made[0][1] or Config()).items()]
    text = settings.get("data.text", ())
    return (
        of_run(Path(name), checkpoint, text) if config is None else _trained(name, config, steps)
        for name, config in made
    )


def _name(source: AnyConfig) -> str:
    if isinstance(source, str | PathLike):
        return fspath(source)
    return "built-in defaults" if source is None else "configuration"


def _trained(name: str, config: Config, steps: int) -> Subject:
    """As drawn, or trained for `steps`."""
    plan = build.threads(config)
    with threads(plan.blas), working(f"training {name}", steps) as done:
        return of_config(name, config, steps, done)


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
