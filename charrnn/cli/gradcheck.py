"""charrnn gradcheck"""

from __future__ import annotations

from typing import Any

import click

from charrnn.api.gradcheck import GradientCheck, gradcheck
from charrnn.cli import completion
from charrnn.cli.options import argument_option, format_option, quiet_option, set_option
from charrnn.cli.spelling import in_options
from charrnn.cli.streams import echo, to_json
from charrnn.errors import argument


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
    help="At the configuration's own H and K, on a share of each array's entries.",
)
@click.option("--all", "every_entry", is_flag=True,
              help="Of a RUN, or with --own-size: every entry, however long it takes.")  # fmt: skip
@format_option
@quiet_option
def command(config: str | None, form: str, **given: Any) -> None:
    """Prove the gradients of a configuration, or of a trained run, in float64.

    Every entry of every parameter, and of the initial states, is compared with the derivative of
    an independent step-by-step version of the model. A run's own parameters are checked at their
    own size: all of small arrays, and of large ones a share drawn from its seed, as many as take
    about ten seconds. Exit code 1 on a mismatch.

    \b
    Examples:
      charrnn gradcheck configs/char-rnn.yaml
      charrnn gradcheck --set model.cell=gru --method central-difference
      charrnn gradcheck runs/quickstart-1 --format json
      charrnn gradcheck runs/quickstart-1 --all
    """
    proof = gradcheck(config, **given)
    try:
        echo(to_json(proof.values()) if form == "json" else _table(proof))
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
    compared, whole = sum(r.checked for r in proof.results), sum(r.size for r in proof.results)
    if compared < whole:
        lines.append(
            f"checked {compared:,} of {whole:,} entries, drawn from the seed; "
            f"{argument('every_entry')} checks all of them"
        )
    return in_options("\n".join(lines))
