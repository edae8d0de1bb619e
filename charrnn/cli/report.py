"""charrnn report"""

from __future__ import annotations

from pathlib import Path

import click

from charrnn.api.writing import open_runs, page_of, write_report
from charrnn.cli.options import quiet_option
from charrnn.cli.streams import echo, write


@click.command("report")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...",
                type=click.Path(path_type=Path))  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.html",
              help="Where the page is written, - is stdout  [RUN/report.html].")  # fmt: skip
@click.option("--png", type=click.Path(path_type=Path), metavar="FILE",
              help="Write the loss curves as a picture instead: .png, .pdf or .svg. Needs "
              "the extra plot (matplotlib).")  # fmt: skip
@quiet_option
def command(runs: tuple[Path, ...], out: Path | None, png: Path | None) -> None:
    """Write one HTML page about a run: curves, samples, gradients, what units track.

    The page needs no server and no network. Further RUNs are laid over the curves of the first; a
    folder of runs, such as a sweep's, stands for all of them, the best first.
    With --out as well, --png writes both.

    \b
    Examples:
      charrnn report runs/quickstart-1
      charrnn report runs/lstm-1 runs/gru-1 --out compared.html
      charrnn report runs/quickstart-1 --png loss.pdf
    """
    to_stdout = str(out) == "-"
    if png is not None or not to_stdout:
        for path in write_report(runs, out=None if to_stdout else out, png=png):
            echo(path, err=to_stdout)
    if to_stdout:
        write(page_of(open_runs(runs)))
