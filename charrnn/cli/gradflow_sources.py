"""From what the user named to the networks that `charrnn gradflow` measures, one at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from charrnn import build
from charrnn.analysis.gradient_flow.subjects import Subject, compared, of_config, of_run
from charrnn.cli.options import threads
from charrnn.config import Config, load
from charrnn.errors import UsageError


def subjects(
    sources: tuple[str, ...], sets: tuple[str, ...], text: tuple[str, ...], *, compare: bool,
    steps: int, which: str,
) -> Iterator[Subject]:  # fmt: skip
    """Configurations are read, and usage is checked, before the first is made.

    Raises UsageError where the options do not go together, ConfigError, DataError, CheckpointError.
    """
    runs = {source for source in sources if _is_run(source)}
    _check_usage(sources, runs, sets, compare=compare, steps=steps)
    flags = {"data.text": list(text)} if text else {}
    configs = {
        source or "built-in defaults": load(source, sets, flags)
        for source in sources or (None,)
        if source not in runs
    }
    if compare:
        configs = compared(next(iter(configs.values())))
    return _made(list(configs) if not sources or compare else list(sources), configs,
                 text, steps, which)  # fmt: skip


def _is_run(source: str) -> bool:
    path = Path(source)
    return path.is_dir() or path.suffix == ".safetensors"


def _check_usage(
    sources: tuple[str, ...], runs: set[str], sets: tuple[str, ...], *, compare: bool, steps: int
) -> None:
    if compare and (runs or len(sources) > 1):
        raise UsageError("--compare takes one CONFIG at most, and gives it seven cells")
    if runs and (sets or steps):
        option = "--set" if sets else "--steps"
        raise UsageError(f"{option} is for a CONFIG, and {min(runs)} is measured as it is")


def _made(
    names: list[str], configs: dict[str, Config], text: tuple[str, ...], steps: int, which: str
) -> Iterator[Subject]:
    for name in names:
        if name in configs:
            yield _trained(name, configs[name], steps)
        else:
            yield of_run(Path(name), which, text)


def _trained(name: str, config: Config, steps: int) -> Subject:
    """As drawn, or trained for `steps`, with a bar on a terminal."""
    plan = build.threads(config)
    with (
        threads(plan.blas),
        tqdm(total=steps, desc=f"training {name}", file=sys.stderr, leave=False,
             disable=None if steps else True) as bar,
    ):  # fmt: skip
        return of_config(name, config, steps, lambda: bar.update())
