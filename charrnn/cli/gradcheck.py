"""charrnn gradcheck"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from charrnn import build
from charrnn.analysis.gradcheck.cases import Case, case, reference_of
from charrnn.analysis.gradcheck.comparison import TOLERANCE, Method, Result, check
from charrnn.cli import completing
from charrnn.cli.options import Finite, format_option, set_option
from charrnn.cli.output import to_json
from charrnn.config import load
from charrnn.data.corpus import load_corpus
from charrnn.errors import CheckFailedError, UsageError
from charrnn.storage.checkpoint import read
from charrnn.storage.checkpoint_folder import locate


@click.command("gradcheck")
@click.argument(
    "config", required=False, metavar="[CONFIG|RUN|CKPT]", shell_complete=completing.files
)
@set_option
@click.option(
    "--method",
    type=click.Choice(list(TOLERANCE)),
    default="complex-step",
    show_default=True,
    help="How the derivative is taken that backward is held to.",
)
@click.option(
    "--tolerance",
    type=Finite(min=0, min_open=True),
    help="Largest relative error allowed [1e-8; 1e-4 for central-difference].",
)
@click.option(
    "--own-size",
    is_flag=True,
    help="At the configuration's own H and K, on a sample of each array's entries.",
)
@format_option
def command(config: str | None, sets: tuple[str, ...], method: Method, tolerance: float | None,
            own_size: bool, form: str) -> None:  # fmt: skip
    """Prove the gradients of a configuration, or of a trained run, in float64.

    Every entry of every parameter, and of the initial states, is compared with the derivative of
    an independent step-by-step version of the model; a run's own parameters are checked at their
    own size, on a sample. Exit code 1 on a mismatch.

    \b
    Examples:
      charrnn gradcheck configs/char-rnn.yaml
      charrnn gradcheck --set model.cell=gru --method central-difference
      charrnn gradcheck runs/quickstart-1 --format json
    """
    chosen = _case(config, sets, own_size)
    allowed = TOLERANCE[method] if tolerance is None else tolerance
    results = list(
        check(
            chosen.network, reference_of(chosen.config), chosen.problem, method=method,
            window=chosen.config.bptt.window, samples=chosen.samples,
        )
    )  # fmt: skip
    ok = all(result.max_relative_error <= allowed for result in results)
    if form == "json":
        rows = [asdict(result) for result in results]
        report = {"ok": ok, "method": method, "tolerance": allowed, "claim": chosen.claim}
        click.echo(to_json({**report, "parameters": rows}))
    else:
        click.echo(_table(chosen, results, allowed, method))
    if not ok:
        worst = max(results, key=lambda result: result.max_relative_error)
        raise CheckFailedError(
            f"{worst.name} differs by {worst.max_relative_error:.2g}, more than {allowed:g}",
            then="compare the cell's backward with docs/derivations/, term by term",
        )


def _case(config: str | None, sets: tuple[str, ...], own_size: bool) -> Case:
    if config is not None and (Path(config).is_dir() or Path(config).suffix == ".safetensors"):
        if sets:
            raise UsageError("--set changes a configuration, and a run has its own")
        path = locate(Path(config))
        checkpoint = read(path)
        K = build.vocabulary_of(checkpoint).K
        return case(build.config_of(checkpoint, str(path)), K, checkpoint)
    settings = load(config, sets)
    return case(settings, load_corpus(settings.data).vocabulary.K if own_size else None)


def _table(chosen: Case, results: list[Result], tolerance: float, method: str) -> str:
    width = max(len(result.name) for result in results)
    lines = [
        f"{chosen.claim}; {method}, float64, tolerance {tolerance:g}",
        f"{'array':{width}}  {'checked':>15}  {'max rel. error':>14}  worst entry",
    ]
    for r in results:
        checked = f"{r.checked:,} of {r.size:,}"
        index = ", ".join(map(str, r.index))
        mark = "ok" if r.max_relative_error <= tolerance else "MISMATCH"
        lines.append(
            f"{r.name:{width}}  {checked:>15}  {r.max_relative_error:>14.2e}  "
            f"[{index}] {r.analytic:+.6e} vs {r.numeric:+.6e}  {mark}"
        )
    worst = max(result.max_relative_error for result in results)
    return "\n".join([*lines, f"largest relative error: {worst:.2e}"])
