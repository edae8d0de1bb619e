"""The text that a model was trained on, for options that compare with it."""

from __future__ import annotations

from charrnn.api.model import Model
from charrnn.cli.options import say_notice
from charrnn.data.corpus import Corpus, load_corpus
from charrnn.errors import DataError


def training_corpus(model: Model, option: str) -> Corpus:
    """The run's own text, in its parts. DataError where it is not there any more."""
    try:
        corpus = load_corpus(model.config.data, model.vocabulary)
    except DataError as error:
        raise DataError(
            error.what,
            where=error.where,
            then=f"{option} needs the text that the model was trained on, where it was then",
        ) from None
    if corpus.sha256 != model.meta.get("corpus_sha256"):
        say_notice(f"the text that {option} looks at is not the one that the model was trained on")
    return corpus
