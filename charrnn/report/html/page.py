"""From runs to the whole page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from charrnn import __version__, build
from charrnn.data.corpus import Corpus, load_corpus
from charrnn.errors import DataError
from charrnn.pages import document
from charrnn.report.html.gradient_flow import gradient_flow
from charrnn.report.html.reader import texts
from charrnn.report.html.runs import Run, describe, names_of

SCRIPTS = ("ticks", "chart", "curves", "flow", "text", "reader", "main")


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
    title = ", ".join(names)
    return document(
        "charrnn.report.html", title, data, SCRIPTS, kind="charrnn report", skip_to="curves"
    )


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
