"""Finding and reading text files, without changing a character of them."""

from __future__ import annotations

import codecs
import errno
import glob
import shlex
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from charrnn.config.rules import text_codec
from charrnn.config.schema import STDIN, DataConfig
from charrnn.data.encodings import SAMPLE, Guess, guess_encodings, marked_encoding
from charrnn.data.file_kinds import Unpacked, require_text, unpacked
from charrnn.data.vocabulary import Unit
from charrnn.errors import DataError, argument, call, settings, shortened
from charrnn.runtime.files import read_regular

Tell = Callable[[str], None]

MARK = "\ufeff"  # the byte order mark, decoded
CHUNK = 1 << 20  # bytes read at a time
MAX_NAMED = 8  # texts in a message
MAX_PRIME = 1 << 26  # bytes
# Of a name, which may be a stranger's: a glob looks for its parts one in another.
MAX_RECURSIVE, MAX_PARTS = 3, 256


def find_files(patterns: Sequence[str]) -> list[Path]:
    """Files named by paths and globs, in the order given, globs sorted; none of them twice.

    A path that exists is that file even where its name looks like a glob; "-" is stdin.
    """
    unique: dict[Path, Path] = {}
    for path in matches(patterns):
        unique.setdefault(path if str(path) == STDIN else path.resolve(), path)
    return list(unique.values())


def named(patterns: Sequence[str]) -> str:
    """Texts as a message names them."""
    return ", ".join(shortened(patterns, MAX_NAMED))


def matches(patterns: Sequence[str]) -> list[Path]:
    """Every match of every pattern, a file as often as it is named."""
    return [path for pattern in patterns for path in _match(pattern)]


def _match(pattern: str) -> list[Path]:
    path = Path(pattern)
    if max(path.parts.count("**") / MAX_RECURSIVE, len(path.parts) / MAX_PARTS) > 1:
        what = f"has more than {MAX_RECURSIVE} `**` or {MAX_PARTS} folders in it"
        raise DataError(what, where=pattern[:100], then="name a folder nearer to the files")
    try:
        if pattern == STDIN:
            return [path]
        if path.exists():
            _require_file_or_folder(path)
            return [path]
        found = sorted(Path(match) for match in glob.glob(pattern, recursive=True))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(f"cannot be read: {why}", where=pattern[:100]) from None
    files = [match for match in found if match.is_file()]
    if files:
        return files
    if found:
        what = "matches folders and no file"
    else:
        what = "no file matches" if any(c in pattern for c in "*?[") else "no such file"
    raise DataError(what, where=pattern, then=_advice(pattern))


def _advice(pattern: str) -> str:
    if (pattern,) == DataConfig.model_fields["text"].default:
        return (
            "the default text comes with a clone of charrnn, and is found from its top folder; "
            f"to train on a text of your own: {call('train', files='my.txt')}"
        )
    return f"looked in {Path.cwd()}; name a text with {argument('files')} or data.text"


@contextmanager
def open_text(path: Path) -> Iterator[BinaryIO | Unpacked]:
    """A text file, or stdin, for reading bytes; of one packed with gzip what it packs.

    DataError for all that cannot be one.
    """
    if str(path) == STDIN:
        yield _stdin()
        return
    try:
        _require_file_or_folder(path)
        if path.is_dir():
            raise DataError(
                "is a folder, not a text",
                where=str(path),
                then=f"name its files: {shlex.quote(f'{path}/*.txt')}",
            )
        with open(path, "rb") as file:
            yield unpacked(file, path)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from None


def _require_file_or_folder(path: Path) -> None:
    """A device may never end, and a pipe can be read once: a run could not be resumed."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DataError(
            "is a pipe or a device, not a file",
            where=str(path),
            then=f"name a file, or give the text on stdin: … | {call('train', files='-')}",
        )


def _stdin() -> BinaryIO:
    if sys.stdin is None:
        raise DataError(
            "stdin is closed", where=STDIN, then=f"name a file with {argument('files')}"
        )
    return sys.stdin.buffer


@lru_cache(maxsize=1)
def read_stdin() -> bytes:
    """All of stdin. It can be read once, so what was read is kept."""
    with open_text(Path(STDIN)) as file:
        return file.read()


@contextmanager
def open_again(path: Path) -> Iterator[BinaryIO | Unpacked]:
    """As `open_text`, of stdin from what `read_stdin` keeps."""
    if str(path) == STDIN:
        yield BytesIO(read_stdin())
        return
    with open_text(path) as file:
        yield file


def read_prime(path: Path) -> bytes:
    """A short text: a regular file of at most `MAX_PRIME` bytes, or as much of stdin."""
    if str(path) == STDIN:
        data = _stdin().read(MAX_PRIME + 1)
        if len(data) > MAX_PRIME:
            raise DataError(f"is larger than {MAX_PRIME:,} bytes", where=STDIN)
        return data
    try:
        return read_regular(path, MAX_PRIME)
    except OSError as error:
        then = "a pipe can be given on stdin, as -" if error.errno == errno.ENXIO else None
        what = f"cannot be read: {error.strerror}"
        raise DataError(what, where=str(path), then=then) from None


def read_text(path: Path, unit: Unit = "char", encoding: str = "utf-8") -> str:
    """A file's text. Line ends are kept as they are; a byte order mark is not part of the text."""
    data = read_stdin() if str(path) == STDIN else _read(path)
    return data.decode("latin-1") if unit == "byte" else decoded(path, data, encoding)


def decoded(path: Path, data: bytes, encoding: str) -> str:
    """All of a text in an encoding; `path` names it in errors."""
    codec = _codec(encoding)
    require_text(path, data)
    require_mark(path, data, codec.name)
    try:
        return codec.decode(data)[0].removeprefix(MARK)
    except UnicodeDecodeError as error:
        raise undecodable(path, data, encoding, error.start, error.start) from None
    except UnicodeError as error:
        raise DataError(f"not {encoding}: {error}", where=str(path)) from None


def text_chunks(
    path: Path, unit: Unit = "char", encoding: str = "utf-8",
    done: Callable[[float], object] = lambda count: None, *, tell: Tell | None = None,
) -> Iterator[str]:  # fmt: skip
    """What `read_text` returns, in pieces that are not empty, without holding all of it.

    `done` is told of the bytes of each; `tell`, that the text is UTF-8 instead, and is read so.
    """
    codec = _codec("latin-1" if unit == "byte" else encoding)
    decoder = _Decoder(path, codec.name, unit, tell)
    began, position = unit == "byte", 0
    with open_text(path) as file:
        data = file.read(CHUNK)
        if unit == "char":
            require_text(path, data)
        require_mark(path, data, codec.name)
        while data:
            following = file.read(CHUNK)
            position += len(data)
            try:
                text = decoder(data, final=not following)
            except UnicodeDecodeError as error:
                offset = position - len(error.object) + error.start
                raise undecodable(path, error.object, encoding, error.start, offset) from None
            except UnicodeError as error:
                raise DataError(f"not {encoding}: {error}", where=str(path)) from None
            if text and not began:
                text, began = text.removeprefix(MARK), True
            if text:
                yield text
            done(len(data))
            data = following


def arriving_text(
    unit: Unit = "char", encoding: str = "utf-8", *, tell: Tell | None = None
) -> Iterator[str]:
    """Stdin, each part of it as soon as it comes. What cannot be decoded is U+FFFD: a log that is
    followed does not end where a line of it is damaged. `tell` as in `text_chunks`.
    """
    codec = _codec("latin-1" if unit == "byte" else encoding)
    decoder = _Decoder(Path(STDIN), codec.name, unit, tell, "replace")
    stream = cast(BufferedReader, _stdin())
    while data := stream.read1(CHUNK):
        if text := decoder(data):
            yield text
    if text := decoder(b"", final=True):
        yield text


class _Decoder:
    """Decodes a text part by part. With `tell` what is beyond ASCII in it first decides whether it
    is UTF-8 in the place of another encoding.
    """

    def __init__(
        self, path: Path, codec: str, unit: Unit, tell: Tell | None, errors: str = "strict"
    ) -> None:
        self._path, self._codec, self._errors = path, codec, errors
        self._decoder = codecs.getincrementaldecoder(codec)(errors)
        self._tell = None if unit == "byte" or codec.startswith("utf") else tell

    def __call__(self, data: bytes, *, final: bool = False) -> str:
        if self._tell is not None and not data.isascii():
            if is_utf8(data):
                self._decoder = codecs.getincrementaldecoder("utf-8")(self._errors)
                self._tell(_is_utf8_instead(self._path, self._codec))
            self._tell = None
        return self._decoder.decode(data, final=final)


def _codec(encoding: str) -> codecs.CodecInfo:
    try:
        return text_codec(encoding)
    except LookupError:
        raise DataError(
            f"unknown encoding {encoding!r}", where="data.encoding", then="for example: utf-8"
        ) from None


def _read(path: Path) -> bytes:
    with open_text(path) as file:
        return file.read()


def require_mark(path: Path, data: bytes, encoding: str) -> None:
    """Python takes a UTF-16 text without byte order mark for one of this machine's order."""
    if encoding not in ("utf-16", "utf-32") or not data or marked_encoding(data) == encoding:
        return
    at = next((i for i, byte in enumerate(data[:SAMPLE]) if byte > 0x7F), 0)
    guess = marked_encoding(data) or next((g.encoding for g in guess_encodings(data, at)), "utf-8")
    raise DataError(
        f"not {encoding}: it has no byte order mark of {encoding}",
        where=str(path),
        then=f"it looks like {guess}: {settings({'data.encoding': guess})}; without a mark, "
        f"{encoding} is named with its byte order: {encoding}-le or {encoding}-be",
    )


class UndecodableError(DataError):
    """A text that is not in the encoding it is read in, and what else it may be in."""

    guess: Guess | None = None

    def advise(self, name: str) -> None:
        """Name the argument that the encoding is given by, in the place of the configuration."""
        if self.guess is not None:
            self.then = (
                f"it looks like {self.guess.encoding}, in which it reads: {self.guess.shown}\n"
                f"  if that is right: {argument(name, self.guess.encoding)}"
            )


def text_encoding(path: Path, own: str, tell: Tell) -> str:
    """The encoding of a file that is read as texts in `own` are: UTF-8 where it is that instead.

    Text beyond ASCII in another encoding is hardly ever valid UTF-8 by chance. It is told of.
    """
    if _codec(own).name.startswith("utf"):
        return own
    with nullcontext(BytesIO(read_stdin())) if str(path) == STDIN else open_text(path) as file:
        while data := file.read(CHUNK):
            if data.isascii():
                continue
            if not is_utf8(data):
                return own
            tell(_is_utf8_instead(path, own))
            return "utf-8"
    return own


def _is_utf8_instead(path: Path, own: str) -> str:
    name = "stdin" if str(path) == STDIN else path
    return (
        f"{name} is UTF-8, not {own}, and is read as that; {argument('encoding', own)} reads it as "
        "it was to be"
    )


def is_utf8(data: bytes) -> bool:
    """Whether the beginning of a text is valid UTF-8 beyond ASCII."""
    try:
        return not codecs.getincrementaldecoder("utf-8")().decode(data).isascii()
    except UnicodeDecodeError:
        return False


def undecodable(path: Path, data: bytes, encoding: str, at: int, offset: int) -> UndecodableError:
    """The error about the byte `data[at]`, which stands at `offset` of the file."""
    guesses = guess_encodings(data, at)
    error = UndecodableError(
        f"not {encoding}: byte 0x{data[at]:02X} at offset {offset:,}",
        where=str(path),
        then=_remedy(path, data, encoding, guesses, offset),
    )
    if guesses and guesses[0].encoding != encoding:
        error.guess = guesses[0]
    return error


def _remedy(path: Path, data: bytes, encoding: str, guesses: list[Guess], offset: int) -> str:
    as_bytes = f"as bytes, any file can be read: {settings({'data.unit': 'byte'})}"
    if not guesses:
        return f"it does not look like text; {as_bytes}"
    best = guesses[0]
    if best.encoding == encoding:
        return (
            f"what follows is {encoding}: the file is damaged there, or mixes encodings; mend it, "
            f"or leave out what is wrong:\n  iconv -c -f {encoding} -t {encoding} "
            f"{shlex.quote(str(path))} > mended.txt; {as_bytes}"
        )
    sure = "its byte order mark says" if offset == 0 and marked_encoding(data) else "it looks like"
    others = [g.encoding for g in guesses[1:3] if g.score > 0.9 * best.score]
    also = f" (or {', '.join(others)})" if others else ""
    return (
        f"{sure} {best.encoding}{also}, in which it reads: {best.shown}\n"
        f"  if that is right: {settings({'data.encoding': best.encoding})}; {as_bytes}"
    )
