"""The text that a model was trained on, for options that compare with it."""

from __future__ import annotations

import click

from charrnn.config import Config
from charrnn.data import Corpus, load_corpus
from charrnn.errors import DataError
from charrnn.store import Checkpoint
from charrnn.text import Vocabulary


def training_corpus(
    config: Config, vocabulary: Vocabulary, checkpoint: Checkpoint, option: str
) -> Corpus:
    """The run's own text, in its parts. DataError where it is not there any more."""
    try:
        corpus = load_corpus(config.data, vocabulary)
    except DataError as error:
        raise DataError(
            error.what,
            where=error.where,
            then=f"{option} needs the text that the model was trained on, where it was then",
        ) from None
    if corpus.sha256 != checkpoint.meta.get("corpus_sha256"):
        click.echo(
            f"notice: the text that {option} looks at is not the one that the model was trained on",
            err=True,
        )
    return corpus
