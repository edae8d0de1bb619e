"""`charrnn.gradcheck`: the proof of a configuration's, or a run's, gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from charrnn import build
from charrnn.analysis.gradcheck.cases import Case, case, reference_of
from charrnn.analysis.gradcheck.comparison import TOLERANCE, Method, Result, check
from charrnn.analysis.gradcheck.share import affordable
from charrnn.api.arguments import require
from charrnn.api.settings import AnyConfig, load_config
from charrnn.data.corpus import load_corpus
from charrnn.errors import CheckFailedError, UsageError, argument
from charrnn.runs.listing import find_run
from charrnn.runtime.workers import threads
from charrnn.storage.checkpoint_folder import read_from


@dataclass(frozen=True)
class GradientCheck:
    """What was compared: a `Result` for each array, and in words what was checked (`claim`)."""

    results: list[Result]
    claim: str
    method: str
    tolerance: float

    @property
    def worst(self) -> Result:
        """The array with the largest relative error."""
        return max(self.results, key=lambda result: result.max_relative_error)

    @property
    def ok(self) -> bool:
        """Whether every entry agrees to within the tolerance."""
        return self.worst.max_relative_error <= self.tolerance

    def require_ok(self) -> None:
        """Raise CheckFailedError, naming the worst array, where they do not agree."""
        if not self.ok:
            raise CheckFailedError(
                f"{self.worst.name} differs by {self.worst.max_relative_error:.2g}, more than "
                f"{self.tolerance:g}",
                then="compare the cell's backward with docs/derivations/, term by term",
            )

    def values(self) -> dict[str, Any]:
        """The object of `charrnn gradcheck --format json`."""
        return {
            "ok": self.ok, "method": self.method, "tolerance": self.tolerance, "claim": self.claim,
            "parameters": [asdict(result) for result in self.results],
        }  # fmt: skip


def gradcheck(
    config: AnyConfig = None,
    *,
    settings: Mapping[str, Any] | None = None,
    method: Method = "complex-step",
    tolerance: float | None = None,
    own_size: bool = False,
    every_entry: bool = False,
) -> GradientCheck:
    """Prove the gradients of a configuration, or of a trained run, in float64.

    `config`: as in `load_config`, or a run or checkpoint, whose own parameters are checked at their
    own size: a share of each large array's entries, drawn from `train.seed`, as many as take about
    ten seconds, or `every_entry`. `own_size`: so too for a configuration. Without, it is reduced to
    a size at which every entry is checked. `tolerance`: the largest relative error, else 1e-8 for
    the complex step and 1e-4 for central differences.

    >>> proof = charrnn.gradcheck({"model.cell": "gru"})
    >>> proof.ok, proof.worst.max_relative_error < 1e-8
    (True, True)
    """
    require(method=method, tolerance=tolerance)
    chosen = _case(resolved(config), settings, own_size)
    network, problem = chosen.network, chosen.problem
    everything = every_entry or chosen.reduced
    with threads(1):  # products of a few rows, which a second thread only waits for
        results = check(
            network, reference_of(chosen.config), problem, method=method,
            window=chosen.config.bptt.window, rng=chosen.rng,
            samples=None if everything else affordable(network, problem, method),
        )  # fmt: skip
        allowed = TOLERANCE[method] if tolerance is None else tolerance
        return GradientCheck(list(results), chosen.claim, method, allowed)


def resolved(source: AnyConfig) -> AnyConfig:
    """A run for a unique part of its name, and everything else as it is."""
    if not isinstance(source, str | PathLike):
        return source
    found = find_run(source)
    return source if found == Path(fspath(source)) else found


def is_run(source: Any) -> bool:
    """Whether a path is that of a run or a checkpoint, and not of a configuration."""
    if not isinstance(source, str | PathLike):
        return False
    path = Path(fspath(source))
    return path.is_dir() or path.suffix == ".safetensors"


def _case(config: AnyConfig, settings: Mapping[str, Any] | None, own_size: bool) -> Case:
    if isinstance(config, str | PathLike) and is_run(config):
        if settings:
            what = argument("settings")
            raise UsageError(f"{what} changes a configuration, and a run has its own")
        path, checkpoint = read_from(Path(fspath(config)))
        K = build.vocabulary_of(checkpoint).K
        return case(build.config_of(checkpoint, str(path)), K, checkpoint)
    whole = load_config(config, settings)
    return case(whole, load_corpus(whole.data).vocabulary.K if own_size else None)
