"""Scoring files, by several models side by side: what `charrnn score` runs.

Texts are read, scored and given away a piece at a time, so that a file may be of any length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from charrnn.api.arguments import require, require_codec
from charrnn.api.loaded import LoadedModel
from charrnn.api.rows import (
    Nats,
    Pieces,
    Row,
    file_row,
    in_characters,
    line_rows,
    sequence_rows,
    strangest,
    whole_characters,
)
from charrnn.api.scores import require_unknown, scorer
from charrnn.config.schema import STDIN, DataConfig
from charrnn.data.files import UndecodableError, arriving_text, text_chunks
from charrnn.data.layout import Layout, whole_lines
from charrnn.data.vocabulary import Unit, whole_letters
from charrnn.errors import UsageError, argument, notice
from charrnn.inference.scoring import Scorer
from charrnn.runtime.progress import Done, working
from charrnn.runtime.workers import threads

Texts = Iterator[tuple[str, Iterator[str]]]  # files, and the pieces of each


@dataclass(frozen=True)
class FileScores:
    """Files to be scored by `models`, the first of which is the one that rows are sorted by."""

    models: Sequence[LoadedModel]
    names: Sequence[str]
    files: tuple[str, ...]
    per: str
    sort: str | None
    top: int | None
    on_unknown: Any
    tell: Callable[[str], None]
    use: str | None = None
    follow: bool = False
    independent: bool = False
    min_chars: int = 0
    encoding: str | None = None
    initial_state: str | None = None

    @property
    def unit(self) -> Unit:
        """What the models read."""
        return self.models[0].vocabulary.unit

    def rows(self) -> Iterator[Row]:
        """A row for each line, each record or each file that is long enough."""
        found = chain.from_iterable(self._rows(file, pieces) for file, pieces in self._scored())
        rows = (row for row in found if row.chars[0] >= self.min_chars)
        yield from strangest(rows, self.top, self.sort) if self.sort else rows

    def _rows(self, file: str, pieces: Pieces) -> Iterable[Row]:
        if self.per == "line":
            return line_rows(file, pieces, self.unit)
        if self.per == "record":
            return sequence_rows(file, pieces, self._layout, self.unit)
        return [file_row(file, pieces, len(self.models), self.unit)]

    @property
    def _layout(self) -> Layout:
        """That of the models which have sequences; of a stream where none has."""
        layouts = [model.layout for model in self.models]
        return next((own for own in layouts if own.boundary is not None), layouts[0])

    def characters(self) -> Iterator[tuple[str, str, list[Nats]]]:
        """The file, a piece of its text, and what each model makes of its characters, or bytes."""
        for file, pieces in self._scored():
            if self.per == "byte" or self.unit == "char":
                yield from ((file, text, nats) for text, nats in pieces)
            else:
                whole = whole_characters(pieces)
                yield from ((file, *in_characters(text, nats)) for text, nats in whole)

    def _texts(self, data: DataConfig) -> tuple[Texts, int]:
        if self.follow:
            encoding, tell = self.encoding or data.encoding, None if self.encoding else self.tell
            return iter([(STDIN, arriving_text(data.unit, encoding, tell=tell))]), LARGE
        return _texts(self.files, data, self.encoding, self.tell)

    @property
    def _size(self) -> int | None:
        """Bytes of the files, None where stdin is among them."""
        files = [Path(file) for file in self.files]
        return sum(f.stat().st_size for f in files) if all(map(Path.is_file, files)) else None

    def _nats(self, file: str, text: Iterator[str], scorers: list[Scorer], done: Done) -> Pieces:
        """Pieces of a file with what each model makes of their characters."""
        for own in scorers:
            own.begin(file)
        layout = self._layout
        pieces = layout.whole(text, file)
        if layout.boundary is None and (self.per == "line" or self.follow or self.independent):
            pieces = whole_lines(pieces, closed=self.independent)
        for piece in pieces:
            yield piece, [own.nats(piece) for own in scorers]
            done(len(piece))

    def _scored(self) -> Iterator[tuple[str, Pieces]]:
        config = self.models[0].config
        texts, characters = self._texts(config.data)
        with threads(config.runtime.threads) as available, threads(1):
            scorers = [
                scorer(
                    model,
                    characters,
                    available,
                    self.on_unknown,
                    use=self.use,
                    tell=self.tell,
                    independent=self.independent,
                    initial_state=self.initial_state,
                )
                for model in self.models
            ]
            for name, model in zip(self.names, self.models, strict=True):
                if model.used_mixture(self.use, lambda _: None) is not None:
                    self.tell(f"{name}: the network mixed with its n-gram")
            with working("scoring", self._size) as done:
                for file, text in texts:
                    yield file, self._nats(file, text, scorers, done)
            for name, own in zip(self.names, scorers, strict=True):
                if (said := own.notice()) is not None:
                    self.tell(f"{name}: {said}" if len(scorers) > 1 else said)


LARGE = 1 << 30  # characters, of a text whose end is not known


def score_files(
    models: Sequence[LoadedModel],
    names: Sequence[str],
    files: tuple[str, ...],
    *,
    per: str = "line",
    sort: str | None = None,
    top: int | None = None,
    on_unknown: Any = None,
    use: str | None = None,
    tell: Callable[[str], None] = notice,
    follow: bool = False,
    independent: bool = False,
    min_chars: int | None = None,
    encoding: str | None = None,
    initial_state: str | None = None,
) -> FileScores:
    """Check what is asked. `names` are the models' in errors; `files` may be "-" for stdin.

    `follow`: rows come as lines do. `independent`: no line, or sequence, depends on another.
    `min_chars`: rows of fewer characters are left out. `sort`: "strangest" or "total".
    Nothing is read before `rows` or `characters` is. Raises UsageError.
    """
    require(per=per, top=top, use=use, min_chars=min_chars, initial_state=initial_state)
    require_unknown(on_unknown)
    require_codec(encoding)
    if sort and per in ("char", "byte"):
        raise UsageError(f"{argument('sort')} is for lines and files, not for {per}s")
    if top and not sort:
        raise UsageError(f"{argument('top')} needs {argument('sort', 'strangest')}")
    if min_chars and per in ("char", "byte"):
        raise UsageError(f"{argument('min_chars')} is for lines and files, not for {per}s")
    if follow:
        _require_followed(files, per, sort)
    if files.count(STDIN) > 1:
        raise UsageError("stdin can be read once: give - once")
    unit = models[0].vocabulary.unit
    if per == "byte" and unit == "char":
        raise UsageError(f"{argument('per', 'byte')} is for models of bytes", where=names[0])
    for name, model in zip(names, models, strict=True):
        if model.vocabulary.unit != unit:
            raise UsageError(
                f"reads {model.vocabulary.unit}s, and {names[0]} reads {unit}s",
                where=name,
                then="compare models of one data.unit",
            )
    layouts = {model.layout.key for model in models if model.layout.boundary is not None}
    if len(layouts) > 1:
        raise UsageError(
            f"these models read their texts in several ways ({', '.join(sorted(layouts))})",
            then="compare models of one data.mode and data.separator",
        )
    if per == "record" and not layouts:
        record = argument("per", "record")
        raise UsageError(f"{record} is for models of records or lines", where=names[0])
    return FileScores(models, names, files, per, sort, top, on_unknown, tell, use, follow,
                      independent, min_chars or 0, encoding, initial_state)  # fmt: skip


def _require_followed(files: tuple[str, ...], per: str, sort: str | None) -> None:
    follow = argument("follow")
    if files != (STDIN,):
        raise UsageError(f"{follow} reads stdin, and no file",
                         then=f"tail -f {files[0]} | charrnn score RUN {follow}")  # fmt: skip
    if sort or per == "file":
        other = argument("sort" if sort else "per", sort or per)
        raise UsageError(f"{other} waits for the end of the text, which {follow} does not")


def _chunks(
    file: str, data: DataConfig, asked: str | None, tell: Callable[[str], None]
) -> Iterator[str]:
    """The pieces of a file, in the encoding that is asked for, its own, or the model's."""
    pieces = text_chunks(
        Path(file), data.unit, asked or data.encoding, tell=None if asked else tell
    )
    try:
        yield from pieces if data.unit == "byte" else whole_letters(pieces)
    except UndecodableError as error:
        error.advise("encoding")
        raise


def _texts(
    files: tuple[str, ...], data: DataConfig, asked: str | None, tell: Callable[[str], None]
) -> tuple[Texts, int]:
    """Each file and its pieces, and about how many characters there are in all."""
    pieces = _chunks(files[0], data, asked, tell)
    first = next(pieces, "")
    others = ((file, _chunks(file, data, asked, tell)) for file in files[1:])
    sizes = [Path(file).stat().st_size for file in files[1:] if Path(file).is_file()]
    begun = chain([first], pieces) if first else pieces
    return chain([(files[0], begun)], others), len(first) + sum(sizes)
