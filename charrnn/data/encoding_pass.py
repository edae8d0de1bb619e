"""The second of two passes over a large text: its ids, in a file of the cache."""

from __future__ import annotations

import errno
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from charrnn.data.layout import Layout
from charrnn.data.mapped_ids import DamagedError, IdsWriter, MappedIds, dtype_for, open_ids
from charrnn.data.text_statistics import VARIABLE, TextStatistics, require_own
from charrnn.data.vocabulary import (
    LackingError,
    OnUnknown,
    Vocabulary,
    code_points,
    count_code_points,
    has_other_spelling,
    whole_letters,
)
from charrnn.errors import DataError
from charrnn.runtime.files import read_regular
from charrnn.storage.atomic import replacing_cached

Read = Callable[[], Iterator[str]]

RECORD = ".sha256"
_FORMAT = 1
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Encoder:
    """Text to ids, piece by piece, in the smallest type that holds them.

    `symbols` are all that the text has. Raises DataError for those that the vocabulary lacks,
    unless they are skipped or mapped.
    """

    def __init__(self, vocabulary: Vocabulary, symbols: str, on_unknown: OnUnknown) -> None:
        table = vocabulary.table()
        points = code_points(symbols)
        self.unknown = points[table[points] < 0]
        self.K, self.dtype = vocabulary.K, dtype_for(vocabulary.K)
        skips = on_unknown == "skip" and len(self.unknown) > 0
        self._kept = table >= 0 if skips else None
        if on_unknown == "map":
            for point in self.unknown:
                table[point] = vocabulary.id(vocabulary.substitute(chr(point)))
        elif on_unknown == "error" and vocabulary.unknown is not None:
            table[self.unknown] = vocabulary.id(vocabulary.unknown)
        self._table = np.maximum(table, 0).astype(self.dtype)
        self._bytes = vocabulary.unit == "byte" and max(vocabulary.symbols) <= "\xff"
        self._dropped = bytes(p for p in self.unknown.tolist() if p < 256) if skips else b""

    def __call__(self, text: str) -> NDArray[Any] | bytes:
        if self.dtype.itemsize == 1 and (self._bytes or text.isascii()):
            data = text.encode("latin-1")
            return data.translate(self._table[:256].tobytes(), self._dropped)
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        if self._kept is not None:
            points = points[self._kept[points]]
        # A mode other than "raise" writes straight into the result.
        return np.take(self._table, points, mode="clip")


def encode_to_file(
    read: Read, statistics: TextStatistics, vocabulary: Vocabulary, on_unknown: OnUnknown,
    layout: Layout, folder: Path, where: str,
) -> tuple[MappedIds, list[str]]:  # fmt: skip
    """The ids of a text, from the cache folder if they are those of the text, else encoded again.

    `read` yields the text in pieces, from its beginning; `statistics` are those of the text, in
    this layout. Also returns notices: that a file was damaged, or could not be kept. Raises
    DataError for characters that the vocabulary lacks.
    """
    as_written, encoder = read, Encoder(vocabulary, statistics.symbols, on_unknown)
    handling: str | None = on_unknown if len(encoder.unknown) else None
    if vocabulary.unit == "char" and any(has_other_spelling(chr(p)) for p in encoder.unknown):

        def respelled() -> Iterator[str]:
            return map(vocabulary.respelled, whole_letters(as_written()))

        read = respelled
        symbols = np.flatnonzero(count_code_points(read()))
        encoder = Encoder(vocabulary, "".join(map(chr, symbols)), on_unknown)
        handling = f"respelled, {on_unknown}"
    if on_unknown == "error" and len(encoder.unknown) and vocabulary.unknown is None:
        raise LackingError(encoder.unknown, _first(whole_letters(as_written()), vocabulary), where)
    path = folder / f"{_key(statistics, vocabulary, handling, layout)}.ids"
    notices: list[str] = []
    check = _Check(statistics, vocabulary, layout)
    try:
        require_own(folder)
        expected = check.sha256 if handling is None else _recorded(path)
        return open_ids(path, vocabulary.K, expected, check if handling is None else bytes), notices
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass
    except (OSError, DamagedError) as error:
        notices.append(f"{path} is not used: {_why(error)}; the text is encoded again")
    try:
        require_own(folder)
        with replacing_cached(path) as file:
            sha256 = _write(file, read(), encoder)
        if handling is not None:
            with replacing_cached(path.with_suffix(RECORD)) as file:
                file.write(sha256.encode())
        return MappedIds(path, vocabulary.K), notices
    except OSError as error:
        notices.append(
            f"the ids cannot be kept in {folder} ({_why(error)}): they are in a temporary file, "
            f"and will be encoded again next time; another folder: {VARIABLE}=DIR"
        )
    return _temporary(read, encoder, where), notices


class _Check:
    """The text that ids stand for, in UTF-8, as it was when it was counted."""

    def __init__(self, statistics: TextStatistics, vocabulary: Vocabulary, layout: Layout) -> None:
        self.sha256 = statistics.sha256
        self._points = code_points("".join(vocabulary.symbols))
        self._ascii = bytes(self._points.tolist()) if self._points.max() < 128 else None
        self._before = (layout.boundary or "").encode()  # which is not counted with the text

    def __call__(self, ids: NDArray[Any]) -> bytes:
        if self._ascii is not None:
            text = ids.tobytes().translate(self._ascii.ljust(256))
        else:
            text = (
                self._points[ids].tobytes().decode("utf-32-le", "surrogatepass")
                .encode("utf-8", "surrogatepass")
            )  # fmt: skip
        if self._before:
            if not text.startswith(self._before):
                raise DamagedError("it does not begin with a boundary")
            text, self._before = text[len(self._before) :], b""
        return text


def _recorded(path: Path) -> str:
    """The hash of ids that are not those of the whole text, which therefore cannot tell it."""
    return read_regular(path.with_suffix(RECORD), 64).decode("latin-1")


def _write(file: IO[bytes], pieces: Iterable[str], encoder: Encoder) -> str:
    writer = IdsWriter(file, encoder.dtype)
    for text in pieces:
        writer.write(encoder(text))
    return writer.finish()


def _temporary(read: Read, encoder: Encoder, where: str) -> MappedIds:
    """Ids in a file that goes with the process, or, where open files keep their names, later."""
    try:
        with tempfile.NamedTemporaryFile(prefix="charrnn-", suffix=".ids", delete=False) as file:
            try:
                _write(file, read(), encoder)
                return MappedIds(Path(file.name), encoder.K)
            finally:
                with suppress(OSError):
                    Path(file.name).unlink()
    except OSError as error:
        full = "make room there, or " if error.errno in _FULL else ""
        raise DataError(
            f"the text's ids can be written neither to the cache nor to {tempfile.gettempdir()}: "
            f"{_why(error)}",
            where=where,
            then=f"{full}name a folder with {VARIABLE}=DIR; with {VARIABLE}=off the text is held "
            "in memory, at 4 bytes a character and more while it is read",
        ) from None


def _key(
    statistics: TextStatistics, vocabulary: Vocabulary, handling: str | None, layout: Layout
) -> str:
    """A name for these ids; `handling`: what is done with unknown characters, None without any."""
    facts = [_FORMAT, statistics.sha256, vocabulary.unit, vocabulary.symbols, handling, layout.key]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:40]


def _first(pieces: Iterable[str], vocabulary: Vocabulary) -> int:
    """Where the first character stands that the vocabulary lacks."""
    before = 0
    for text in pieces:
        ids, owner = vocabulary.spelled(text)
        found = np.flatnonzero(ids < 0)
        if len(found):
            return before + int(found[0] if owner is None else owner[found[0]])
        before += len(text)
    return before


def _why(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
