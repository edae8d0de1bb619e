"""charrnn export"""

from __future__ import annotations

from pathlib import Path

import click

from charrnn import build
from charrnn.cli.options import checkpoint_option
from charrnn.cli.output import write
from charrnn.config import Config
from charrnn.errors import CheckpointError, UsageError
from charrnn.export import Format, to_bytes
from charrnn.report.terminal import say
from charrnn.storage.atomic import write_atomically
from charrnn.storage.checkpoint import read
from charrnn.storage.checkpoint_folder import locate

SUFFIX = {"torch": ".safetensors", "onnx": ".onnx"}


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|CKPT")
@click.option(
    "--to",
    "form",
    type=click.Choice(list(SUFFIX)),
    required=True,
    help="torch: a .safetensors of PyTorch's names; onnx: the whole model.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, allow_dash=True),
    required=True,
    metavar="FILE|-",
    help="The file to write; - is stdout.",
)
@checkpoint_option
def command(run: Path, form: Format, out: Path, which: str) -> None:
    """Write a model for PyTorch or an ONNX runtime; its vocabulary is in the metadata.

    `charrnn train --init-from FILE` reads PyTorch's layout back.

    \b
    Examples:
      charrnn export runs/quickstart-1 --to torch --out quickstart.safetensors
      charrnn export runs/quickstart-1 --to onnx --out quickstart.onnx
    """
    path = locate(run, which)
    network, vocabulary, config = build.restore_network(read(path), str(path))
    data = to_bytes(form, config, vocabulary, network.params)
    _notice(config, form, out)
    said = (
        f"{out}: {config.model.cell}, {config.model.num_layers} × {config.model.hidden_size}, "
        f"K = {vocabulary.K}, {network.params.flat.size:,} parameters, {len(data):,} bytes"
    )
    if str(out) == "-":
        write(data)
        return
    _save(data, out, path)
    click.echo(said)


def _save(data: bytes, out: Path, source: Path) -> None:
    """Write atomically, over an older file if there is one, and never over the model itself."""
    if out.exists() and out.samefile(source):
        raise UsageError("is the checkpoint that is exported", where=f"--out {out}")
    if out.is_dir():
        raise UsageError("is a folder", where=f"--out {out}", then="name a file in it")
    try:
        write_atomically(out, data)
    except CheckpointError as error:
        raise CheckpointError(
            error.what, where=f"--out {out}", then="name a file in a folder that is there"
        ) from None


def _notice(config: Config, form: Format, out: Path) -> None:
    if form == "onnx" and config.runtime.dtype == "float64":
        say("notice: the model is float64, and the file is float32")
    if str(out) != "-" and out.suffix != SUFFIX[form]:
        say(f"notice: it is a {SUFFIX[form]} file, and programs may expect that at its name's end")
