"""charrnn report"""

from __future__ import annotations

from pathlib import Path

import click

from charrnn.cli.options import threads
from charrnn.cli.output import write
from charrnn.errors import CheckpointError
from charrnn.report.figures.curves import picture
from charrnn.report.html.page import report
from charrnn.report.html.runs import open_run
from charrnn.storage.atomic import write_atomically


@click.command("report")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...",
                type=click.Path(path_type=Path))  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.html",
              help="Where the page is written, - is stdout  [RUN/report.html].")  # fmt: skip
@click.option("--png", type=click.Path(path_type=Path), metavar="FILE",
              help="Write the loss curves as a picture instead: .png, .pdf or .svg. Needs "
              "the extra plot (matplotlib).")  # fmt: skip
def command(runs: tuple[Path, ...], out: Path | None, png: Path | None) -> None:
    """Write one HTML page about a run: curves, samples, gradients, what units track.

    The page needs no server and no network. Further RUNs are laid over the curves of the first.
    With --out as well, --png writes both.

    \b
    Examples:
      charrnn report runs/quickstart-1
      charrnn report runs/lstm-1 runs/gru-1 --out compared.html
      charrnn report runs/quickstart-1 --png loss.pdf
    """
    opened = [open_run(run) for run in runs]
    if png is not None:
        _save(png, picture(opened, png))
    if out is not None or png is None:
        with threads(opened[0].config.runtime.threads):
            page = report(opened, lambda text: click.echo(f"notice: {text}", err=True))
        _save(out or runs[0] / "report.html", page)


def _save(path: Path, data: bytes) -> None:
    if str(path) == "-":
        write(data)
        return
    try:
        write_atomically(path, data)
    except CheckpointError as error:
        raise CheckpointError(
            error.what, where=str(path), then="name another file with --out or --png"
        ) from None
    click.echo(path)
