"""charrnn gradcheck"""

from __future__ import annotations

from typing import Any

import click

from charrnn.api.gradcheck import GradientCheck, gradcheck
from charrnn.cli import completion
from charrnn.cli.options import argument_option, format_option, set_option
from charrnn.cli.streams import to_json


@click.command("gradcheck")
@click.argument(
    "config", required=False, metavar="[CONFIG|RUN|CKPT]", shell_complete=completion.files
)
@set_option
@argument_option("method", default="complex-step")
@argument_option("tolerance")
@click.option(
    "--own-size",
    is_flag=True,
    help="At the configuration's own H and K, on a sample of each array's entries.",
)
@format_option
def command(config: str | None, form: str, **given: Any) -> None:
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
    proof = gradcheck(config, **given)
    try:
        click.echo(to_json(proof.values()) if form == "json" else _table(proof))
    finally:  # a mismatch is one whether or not its table could be written
        proof.require_ok()


def _table(proof: GradientCheck) -> str:
    width = max(len(result.name) for result in proof.results)
    lines = [
        f"{proof.claim}; {proof.method}, float64, tolerance {proof.tolerance:g}",
        f"{'array':{width}}  {'checked':>15}  {'max rel. error':>14}  worst entry",
    ]
    for r in proof.results:
        checked = f"{r.checked:,} of {r.size:,}"
        index = ", ".join(map(str, r.index))
        mark = "ok" if r.max_relative_error <= proof.tolerance else "MISMATCH"
        lines.append(
            f"{r.name:{width}}  {checked:>15}  {r.max_relative_error:>14.2e}  "
            f"[{index}] {r.analytic:+.6e} vs {r.numeric:+.6e}  {mark}"
        )
    lines.append(f"largest relative error: {proof.worst.max_relative_error:.2e}")
    return "\n".join(lines)
