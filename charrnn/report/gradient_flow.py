"""Gradient flow in words and tables, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from textwrap import wrap
from typing import Any

from numpy.typing import NDArray

from charrnn.analysis.gradient_flow.flow import Flow
from charrnn.analysis.gradient_flow.lags import Decay, ladder
from charrnn.analysis.gradient_flow.saturation import Saturation
from charrnn.analysis.gradient_flow.subjects import Measured
from charrnn.report.figures.style import decades

Array = NDArray[Any]
SHOWN = 6  # lags in a row
WIDTH = 80


def in_words(measured: Sequence[Measured], brief: bool) -> str:
    """Each model at length unless `brief`, then all of them side by side if there are several."""
    parts = [] if brief else ["\n".join(_model(one)) for one in measured]
    if len(measured) > 1:
        parts.append("\n".join(_side_by_side(measured, brief)))
    return "\n\n".join(parts)


def _title(one: Measured) -> str:
    model, norms = one.subject.config.model, one.flow.norms
    return (
        f"H = {model.hidden_size}, layers: {model.num_layers}, {one.subject.trained}; "
        f"medians over {norms.positions} positions"
    )


def _model(one: Measured) -> Iterator[str]:
    flow = one.flow
    lags = _columns(flow.norms.max_lag)
    yield one.subject.name
    yield _title(one)
    yield ""
    yield f"{'‖∂E_t/∂·_{t-k}‖':16}" + _row([f"k={k}" for k in lags]) + "  half-life"
    for index, layer in enumerate(flow.layers):
        yield _norms(f"layer {index}  h", flow.norms.h[index], lags, layer.decay_h)
        if flow.bounds is not None:
            yield f"{'  its bound':16}" + _row([_number(flow.bounds[index, k]) for k in lags])
        if flow.norms.s is not None:
            yield _norms(f"layer {index}  s", flow.norms.s[index], lags, layer.decay_s)
    yield ""
    yield from _matrices(flow)
    yield ""
    yield from _gates(flow)
    yield ""
    yield from _truncation(flow)
    yield ""
    yield from wrap(f"{flow.verdict.kind}: {flow.verdict.why}", WIDTH, subsequent_indent="    ")
    for change in flow.verdict.changes:
        yield from wrap(change, WIDTH, initial_indent="  ", subsequent_indent="    ")


def _columns(max_lag: int) -> list[int]:
    return ladder(max_lag)[-SHOWN:]


def _row(cells: Sequence[str]) -> str:
    return "".join(f"{cell:>8}" for cell in cells)


def _norms(label: str, norms: Array, lags: Sequence[int], decay: Decay | None) -> str:
    return (
        f"{label:16}" + _row([_number(norms[k]) for k in lags])
        + f"  {_half_life(decay, len(norms) - 1)}"
    )  # fmt: skip


def _number(value: float) -> str:
    return "-" if value == 0 else f"{value:.1e}"


def _half_life(decay: Decay | None, max_lag: int) -> str:
    if decay is None:
        return "-"
    if not isfinite(decay.half_life):
        return "grows" if decay.left_after(max_lag) > 2 else "none"
    return f"> {max_lag}" if decay.half_life > max_lag else f"{decay.half_life:.1f}"


def _matrices(flow: Flow) -> Iterator[str]:
    yield f"{'U':16}{'largest σ':>11}{'radius':>9}{'γ‖U‖':>9}{'measured':>10}  a character"
    for index, layer in enumerate(flow.layers):
        for spectrum in layer.spectra:
            bound = rate = ""
            if spectrum.recurs:
                bound = "" if layer.rate_bound is None else f"{layer.rate_bound:.3f}"
                rate = "-" if layer.decay_h is None else f"{layer.decay_h.rate:.3f}"
            note = "  recurs" if spectrum.recurs else ""
            name = f"layer {index}  U_{spectrum.block}"
            yield (
                f"{name:16}{spectrum.sigma_max:>11.3f}{spectrum.radius:>9.3f}{bound:>9}{rate:>10}"
                f"{note}"
            ).rstrip()


def _gates(flow: Flow) -> Iterator[str]:
    yield f"{'values':16}{'mean':>11}{'low 10 %':>10}{'high 10 %':>11}{'dead':>7}"
    for index, layer in enumerate(flow.layers):
        for s in layer.saturations:
            yield f"layer {index}  {s.block:7}{s.mean:>11.3f}" + _shares(s)


def _shares(s: Saturation) -> str:
    low, high, dead = ("" if x is None else f"{x:.1%}" for x in (s.low, s.high, s.dead))
    return f"{low:>10}{high:>11}{dead:>7}".rstrip()


def _truncation(flow: Flow) -> Iterator[str]:
    rows = flow.truncations[-SHOWN - 1 :]
    yield f"{'truncated':12}" + _row([f"k2={row.k2}" for row in rows])
    yield f"{'cosine':12}" + _row([f"{row.cosine:.3f}" for row in rows])
    yield f"{'norm ratio':12}" + _row([f"{row.norm_ratio:.3f}" for row in rows])
    yield f"{'cosine of U':12}" + _row([f"{row.cosine_U:.3f}" for row in rows])


def _side_by_side(measured: Sequence[Measured], alike: bool) -> Iterator[str]:
    width = max(9, *(len(one.subject.name) for one in measured))
    if alike:
        yield _title(measured[0])
        yield ""
    batch = f"lags 1-{measured[0].flow.norms.max_lag}"
    yield (
        f"{'':{width}} {'layer':>5}  {'half-life h':>11}{'s':>7}{'rate':>7}{'bound':>7}  "
        f"{batch:10} verdict"
    )
    for one in measured:
        yield from _layers(one.flow, f"{one.subject.name:{width}}")
    yield ""
    yield "cosine of the truncated gradient to the full one; enough: 0.99, of U too"
    lags = [row.k2 for row in measured[0].flow.truncations][-SHOWN - 1 :]
    yield f"{'k2':{width}}" + "".join(f"{k:>8}" for k in lags) + f"{'enough':>8}"
    for one in measured:
        by_k2 = {row.k2: f"{row.cosine:.3f}" for row in one.flow.truncations}
        cells = "".join(f"{by_k2.get(k, ''):>8}" for k in lags)
        yield f"{one.subject.name:{width}}{cells}{one.flow.verdict.k2:>8}"


def _layers(flow: Flow, name: str) -> Iterator[str]:
    """A line for each layer, the top one first."""
    K = flow.norms.max_lag
    for index, layer in reversed(list(enumerate(flow.layers))):
        rate = "-" if layer.decay_h is None else f"{layer.decay_h.rate:.3f}"
        bound = "" if layer.rate_bound is None else f"{layer.rate_bound:.3f}"
        s = "" if flow.norms.s is None else _half_life(layer.decay_s, K)
        label = name if index == len(flow.layers) - 1 else " " * len(name)
        yield (
            f"{label} {index:>5}  {_half_life(layer.decay_h, K):>11}{s:>7}{rate:>7}"
            f"{bound:>7}  {decades(flow.norms.h[index, 1:]):10} {layer.kind}"
        )
