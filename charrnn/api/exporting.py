"""A model as a file for another program, or as a page that runs it."""

from __future__ import annotations

from os import fspath
from os.path import abspath
from pathlib import Path

from charrnn.api.arguments import require
from charrnn.api.loaded import LoadedModel
from charrnn.api.settings import AnyPath
from charrnn.api.writing import save
from charrnn.errors import UsageError, argument, notice
from charrnn.export.formats import Format, to_bytes
from charrnn.export.html.packing import Precision
from charrnn.export.html.page import MAX_TEXT, PageOptions, fits
from charrnn.inference.mixture.model import Mixture
from charrnn.runtime.progress import working

SUFFIX = {"torch": ".safetensors", "onnx": ".onnx", "html": ".html"}
WEIGHTS = {"small": "8 bits each", "exact": "float32"}


def export(
    model: LoadedModel, to: Format, out: AnyPath | None, precision: Precision | None,
    use: str | None,
) -> bytes:  # fmt: skip
    """The file of a model for another program; written to `out` where that is given."""
    require(to=to, precision=precision, use=use)
    for name, value in (("precision", precision), ("use", use)):
        if value is not None and to != "html":
            raise UsageError(f"{argument(name)} is for {argument('to', 'html')}")
    page = _page(model, precision or "small", use) if to == "html" else None
    with working(f"exporting to {to}"):
        data = to_bytes(to, model.config, model.vocabulary, model.network().params, page)
    if (to == "onnx" or precision == "exact") and model.config.runtime.dtype == "float64":
        notice("the model is float64, and the file is float32")
    if out is not None:
        path = Path(fspath(out))
        if path.exists() and path.samefile(model.path):
            raise UsageError("is the checkpoint that is exported", where=argument("out", path))
        if path.suffix != SUFFIX[to]:
            notice(f"it is a {SUFFIX[to]} file, and programs may expect that at its name's end")
        save(path, data, "out")
    return data


def _page(model: LoadedModel, precision: Precision, use: str | None) -> PageOptions:
    mixture, facts = _mixture(model, use), model.facts()
    facts["weights"] = WEIGHTS[precision]
    if mixture is not None:
        facts["n-gram"] = f"order {mixture.order}, of {_characters(mixture):,} characters"
    del facts["checkpoint"]
    run = model.path.parent.parent if model.path.parent.name == "checkpoints" else model.path
    title = Path(abspath(run)).name.removesuffix(".safetensors")
    return PageOptions(title, tuple(facts.items()), precision, mixture, model.beginning())


def _mixture(model: LoadedModel, use: str | None) -> Mixture | None:
    """The run's mixture, where a page has room for it."""
    mixture = model.used_mixture(use, notice)
    if mixture is None:
        return None
    if fits(mixture):
        notice(
            "the page holds the training text, from which it counts its n-gram; "
            f"{argument('use', 'network')} leaves it out"
        )
        return mixture
    problem = (
        f"the n-gram is of {_characters(mixture):,} characters, and a page has room for "
        f"{MAX_TEXT:,}"
    )
    if use == "mixture":
        raise UsageError(problem, then=f"to leave it out: {argument('use', 'network')}")
    notice(f"{problem}: it has the network alone")
    return None


def _characters(mixture: Mixture) -> int:
    return int((mixture.trie.text < mixture.K).sum())
