"""What a plan is told of a text: how to read it, and the facts that the rule asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from charrnn.config import Config
from charrnn.data.corpus import Corpus
from charrnn.data.files import find_files
from charrnn.data.planning import Facts, Keys, validation_share
from charrnn.data.suggestion import Suggestion, suggest
from charrnn.data.survey import survey, together
from charrnn.errors import DataError
from charrnn.runtime.progress import working


def data_keys(config: Config, held: Mapping[str, Any], minutes: float) -> Keys:
    """What a look at the text says of how it is read."""
    found = _suggestion(config)
    if found is None:
        return {}
    keys, mode = dict(found[0].keys), found[0].keys.get("data.mode", "stream")
    if mode == "stream":
        share = validation_share(found[1], 60 * minutes)
        keys["data.split"] = [round(1 - share, 3), share, 0.0]
    if held.get("data.mode", mode) != mode:
        del keys["data.split"]
    if held.get("data.unit") == "byte":
        keys.pop("data.encoding", None)
    return {key: value for key, value in keys.items() if key not in held}


def _suggestion(config: Config) -> tuple[Suggestion, int] | None:
    """What a look at the files suggests, and their characters; None where that says nothing."""
    data = config.data
    encoding = "latin-1" if data.unit == "byte" else data.encoding
    try:
        files = find_files(data.text)
        with working("looking at the text") as done:
            found = together([
                survey(file, None if encoding == "utf-8" else encoding, done, keep=True)
                for file in files
            ])  # fmt: skip
    except DataError:  # which reading the text tells better
        return None
    suggestion = suggest(found) if len(found.encodings) == 1 else None
    return None if suggestion is None else (suggestion, found.characters)


def facts_of(corpus: Corpus) -> Facts:
    """What the rule asks of a text."""
    sequences = None if corpus.boundary is None else len(corpus.rows["train"])
    return Facts(
        corpus.characters("train"), corpus.characters("val"), corpus.vocabulary.K, sequences
    )
