"""A text to encode: read into memory, or, where it is large, read from its files in pieces."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from charrnn.config.rules import text_codec
from charrnn.config.schema import STDIN, DataConfig
from charrnn.data.encoding_pass import encode_to_file
from charrnn.data.files import find_files, named, read_text, text_chunks
from charrnn.data.layout import layout_of
from charrnn.data.mapped_ids import MappedIds
from charrnn.data.text_statistics import cache_folder, count_text, recall, remember, state_of
from charrnn.data.vocabulary import CHUNK, Vocabulary, count_code_points, distinct
from charrnn.errors import DataError
from charrnn.runtime.progress import working

LARGE = 1 << 23  # bytes of text above which it is not held in memory
_WHOLE_TEXT_CODECS = ("punycode", "idna")  # codecs that need all of a text at once

Ids = NDArray[np.int32] | MappedIds


class Source(Protocol):
    """All files of a configuration as one text, in the layout that it asks for.

    `texts`: how many files have any text.
    """

    texts: int

    @property
    def symbols(self) -> str:
        """The distinct characters, in code point order."""
        ...

    @property
    def sha256(self) -> str:
        """The hash of the text in UTF-8, without the boundary before the first sequence."""
        ...

    def counts(self) -> NDArray[np.int64]:
        """How often each code point stands in the text."""
        ...

    def encode(self, vocabulary: Vocabulary) -> tuple[Ids, list[str]]:
        """Ids, of sequences with a boundary before the first; and notices for the user."""
        ...


def open_source(config: DataConfig) -> Source:
    """The text of a configuration. Raises DataError where it cannot be read, or is empty."""
    files = find_files(config.text)
    folder = cache_folder()
    if folder is not None and _is_large(files) and not _needs_whole_text(config):
        return TextInFiles(config, files, folder)
    return TextInMemory(config, files)


def _is_large(files: list[Path]) -> bool:
    if any(str(path) == STDIN or not path.is_file() for path in files):
        return False
    return sum(size for _, size, *_ in state_of(files)) > LARGE


def _needs_whole_text(config: DataConfig) -> bool:
    try:
        return config.unit == "char" and text_codec(config.encoding).name in _WHOLE_TEXT_CODECS
    except LookupError:
        return True


class TextInMemory:
    """A text in memory."""

    def __init__(self, config: DataConfig, files: list[Path]) -> None:
        layout, where = layout_of(config), named(config.text)
        self._config, self._layout = config, layout
        texts = [read_text(path, config.unit, config.encoding) for path in files]
        self.texts = sum(map(bool, texts))
        self._before = len(layout.boundary or "")  # what is before the first sequence
        self._text = "".join(layout.framed(([text] for text in texts), where))
        _require_not_empty(self._text[self._before : self._before + 1], config)

    @cached_property
    def symbols(self) -> str:
        return "".join(distinct(self._text))

    @cached_property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for start in range(self._before, len(self._text), CHUNK):
            digest.update(self._text[start : start + CHUNK].encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def counts(self) -> NDArray[np.int64]:
        return count_code_points([self._text])

    def encode(self, vocabulary: Vocabulary) -> tuple[Ids, list[str]]:
        config = self._config
        ids = vocabulary.encode(self._text, config.on_unknown, named(config.text))
        return ids, self._layout.notices()


class TextInFiles:
    """A text that is read in pieces, twice, and whose ids are kept in the cache folder."""

    def __init__(self, config: DataConfig, files: list[Path], folder: Path) -> None:
        self._config, self._files, self._folder = config, files, folder
        self._layout, self._state = layout_of(config), state_of(files)
        self.texts = sum(size > 0 for _, size, *_ in self._state)
        recalled = recall(config, self._state)
        self._statistics = recalled or count_text(self._pieces("counting the text's characters"))
        if recalled is None:
            self._require_unchanged()
            _require_not_empty(self._statistics.symbols, config)
            remember(config, self._state, self._statistics)

    @property
    def symbols(self) -> str:
        return self._statistics.symbols

    @property
    def sha256(self) -> str:
        return self._statistics.sha256

    def counts(self) -> NDArray[np.int64]:
        return count_code_points(self._pieces("counting each character"))

    def encode(self, vocabulary: Vocabulary) -> tuple[Ids, list[str]]:
        config = self._config
        ids, notices = encode_to_file(
            self._to_encode, self._statistics, vocabulary, config.on_unknown, self._layout,
            self._folder, named(config.text),
        )  # fmt: skip
        return ids, [*notices, *self._layout.notices()]

    def _to_encode(self) -> Iterator[str]:
        yield from self._framed("encoding the text")
        self._require_unchanged()

    def _pieces(self, what: str) -> Iterator[str]:
        return islice(self._framed(what), len(self._layout.boundary or ""), None)

    def _framed(self, what: str) -> Iterator[str]:
        unit, encoding = self._config.unit, self._config.encoding
        with working(what, sum(size for _, size, *_ in self._state)) as done:
            files = (text_chunks(path, unit, encoding, done) for path in self._files)
            yield from self._layout.framed(files, named(self._config.text))

    def _require_unchanged(self) -> None:
        if state_of(self._files) != self._state:
            raise DataError(
                "was changed while it was read",
                where=named(self._config.text),
                then="try again when whatever writes it has finished",
            )


def _require_not_empty(text: str, config: DataConfig) -> None:
    if not text:
        raise DataError("the text is empty", where=named(config.text))
