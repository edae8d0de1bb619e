"""Gradient flow at the beginning and at the end of a run, for the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from charrnn import build
from charrnn.analysis.gradient_flow.lags import Decay, LagNorms, fit, lag_norms
from charrnn.analysis.gradient_flow.positions import positions
from charrnn.config import Config
from charrnn.data.corpus import Corpus
from charrnn.errors import CheckpointError, DataError
from charrnn.nn.network import Network
from charrnn.report.html.curves import short
from charrnn.report.html.runs import Run
from charrnn.storage.checkpoint import read

MAX_LAG = 100
POSITIONS, FEWEST_POSITIONS = 32, 4
WORK = 30_000_000  # parameters times positions, so that large models do not take minutes
Json = dict[str, Any]


def gradient_flow(run: Run, corpus: Corpus) -> Json:
    """Norms by lag of the last checkpoint and of the parameters that the run began with.

    {"at": [{"when", "step", "layers": [{"h": […], "s": […], "half_life_h", …}]}]}; where it cannot
    be measured {"missing": why}.
    """
    size = build.parameter_count(run.config, run.K)
    count = min(max(WORK // size, FEWEST_POSITIONS), POSITIONS)
    try:
        at = positions(corpus, count, MAX_LAG)
    except DataError as error:
        return {"missing": error.what}
    curves = []
    for when, step, network in (_start(run), _end(run)):
        norms = lag_norms(network, at.x, at.y, network.zero_state(at.x.shape[1]), at.max_lag)
        curves.append({"when": when, "step": step, "layers": _layers(norms)})
    return {"at": curves, "positions": int(at.x.shape[1]), "max_lag": int(at.max_lag)}


def _network(config: Config, K: int) -> Network:
    network = build.network(config, K, np.float64, for_inference=True)
    build.initialise(network, config)
    return network


def _start(run: Run) -> tuple[str, int, Network]:
    """The first checkpoint; where it is gone, what configuration and seed make."""
    network = _network(run.config, run.K)
    first = run.folder.checkpoints.folder / "step-000000000.safetensors"
    try:
        build.load_parameters(network, read(first).arrays, str(first))
    except CheckpointError:
        return "as initialised from the seed", 0, _network(run.config, run.K)
    return "before the first step", 0, network


def _end(run: Run) -> tuple[str, int, Network]:
    path = run.folder.checkpoints.last() or run.path
    try:
        checkpoint = read(path)
    except CheckpointError:  # damaged, or just now rotated away by a run that goes on
        path, checkpoint = run.path, run.checkpoint
    network = _network(run.config, run.K)
    build.load_parameters(network, checkpoint.arrays, str(path))
    return "after training", checkpoint.meta.step, network


def _layers(norms: LagNorms) -> list[Json]:
    found = []
    for layer in range(len(norms.h)):
        rows = {"h": norms.h[layer]} | ({} if norms.s is None else {"s": norms.s[layer]})
        entry: Json = {}
        for letter, row in rows.items():
            finite = np.where(np.isfinite(row), row, 0)
            entry[letter] = [short(v) for v in finite.tolist()]
            entry[f"half_life_{letter}"] = _half_life(fit(row), norms.max_lag)
        found.append(entry)
    return found


def _half_life(decay: Decay | None, max_lag: int) -> str:
    if decay is None:
        return "nothing arrives"
    if decay.half_life > max_lag:
        return f"more than {max_lag} characters"
    return f"{decay.half_life:.3g} characters"
