"""From runs to the whole page."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from math import isfinite
from typing import Any

from charrnn import __version__, build
from charrnn.data.corpus import Corpus, load_corpus
from charrnn.errors import DataError
from charrnn.report.html.gradient_flow import gradient_flow
from charrnn.report.html.reader import texts
from charrnn.report.html.runs import Run, describe, names_of

# Scripts, in this order: later ones use earlier ones.
NAMES = ("base", "ticks", "chart", "curves", "flow", "text", "reader", "main")


def page(title: str, data: dict[str, Any]) -> bytes:
    """The report as UTF-8."""
    folder = files("charrnn.report.html") / "assets"
    style = (folder / "page.css").read_text("utf-8")
    parts = [(folder / f"{name}.js").read_text("utf-8") for name in NAMES]
    script = '"use strict";\n{\n' + "\n".join(parts) + "}\n"
    template = (folder / "page.html").read_text("utf-8")
    filling = {
        "TITLE": escape(title),
        "POLICY": f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'",
        "STYLE": style,
        "SCRIPT": script,
        "DATA": embedded(data),
    }
    pieces = template.split("@@")  # text and names by turns
    pieces[1::2] = [filling[name] for name in pieces[1::2]]
    return "".join(pieces).encode("utf-8", "backslashreplace")


def embedded(data: Any) -> str:
    """JSON that can stand in a script element: pure ASCII, and nothing in it ends the element."""
    text = json.dumps(_finite(data), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _finite(value: Any) -> Any:
    """The same with null for numbers that are not finite, which JSON has not."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def report(runs: Sequence[Run], tell: Callable[[str], None] = lambda notice: None) -> bytes:
    """The page of one run; further runs are laid over its curves. `tell` is given notices.

    The text is read again for the gradient flow and the reader; where it is gone the page says so.
    """
    names = names_of(list(runs))
    first = runs[0]
    corpus = _corpus(first, tell)
    reader, sample = texts(first, corpus)
    flow = {"missing": reader["missing"]} if corpus is None else gradient_flow(first, corpus)
    data: dict[str, Any] = {
        "version": __version__,
        "runs": [describe(run, name, len(runs)) for run, name in zip(runs, names, strict=True)],
        "flow": flow,
        "reader": reader,
        "sample": sample,
    }
    return page(", ".join(names), data)


def _corpus(run: Run, tell: Callable[[str], None]) -> Corpus | None:
    try:
        corpus = load_corpus(run.config.data, build.vocabulary_of(run.checkpoint))
    except DataError as error:
        tell(f"no reader and no gradient flow: {error}")
        return None
    if corpus.sha256 != run.checkpoint.meta.corpus_sha256:
        tell("the text is not the one that the model was trained on")
    for notice in corpus.notices:
        tell(notice)
    return corpus
