"""Files that hold no plain text, told by their first bytes: what they are, and what to do.

gzip alone is read as what it packs, up to a size: a few kilobytes can unpack to gigabytes.
"""

from __future__ import annotations

import gzip
import os
import shlex
import zlib
from pathlib import Path
from typing import BinaryIO

from charrnn.config.schema import STDIN
from charrnn.errors import DataError

GZIP = b"\x1f\x8b\x08"
ZIP = b"PK\x03\x04"
RATIO, UNPACKED = 100, 1 << 26  # a gzip file may unpack to so many times its size, and bytes more
LOOKED_AT = 1 << 16  # bytes of a zip in which its kind is looked for

# First bytes, what it is, and the command that makes a text of it.
KINDS = (
    (b"%PDF-", "a PDF", "pdftotext {file} {text}"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office file of before 2007",
     "antiword {file} > {text}"),
    (b"BZh91AY&SY", "packed with bzip2", "bzip2 -dc {file} > {text}"),
    (b"\xfd7zXZ\x00", "packed with xz", "xz -dc {file} > {text}"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "zstd -dc {file} > {text}"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "7z x {file}"),
    (b"\x89PNG\r\n", "a picture", ""),
    (b"\xff\xd8\xff\xe0", "a picture", ""),
    (b"SQLite format 3\x00", "an SQLite database", ""),
    (b"\x7fELF", "a program", ""),
    (GZIP, "packed with gzip", "gzip -dc {file} > {text}"),
)  # fmt: skip
# What a zip holds, and what that makes of it.
_IN_ZIPS = (
    (b"word/", "a Word document (docx)", "pandoc -t plain {file} -o {text}"),
    (b"application/epub+zip", "an e-book (EPUB)", "pandoc -t plain {file} -o {text}"),
    (b"opendocument.text", "an OpenDocument text (odt)", "pandoc -t plain {file} -o {text}"),
    (b"xl/", "a spreadsheet (xlsx)", "save it as CSV or text"),
)


def require_text(path: Path, data: bytes) -> None:
    """DataError for a file, beginning with `data`, that is known to be no text."""
    for magic, what, command in KINDS:
        if data.startswith(magic):
            raise _no_text(path, what, command)
    if data.startswith(ZIP):
        for part, what, command in _IN_ZIPS:
            if part in data[:LOOKED_AT]:
                raise _no_text(path, what, command)
        raise _no_text(path, "a zip archive", "unzip {file}")


def _no_text(path: Path, what: str, command: str) -> DataError:
    file, text = str(path), str(path.with_suffix(".txt"))
    if file == STDIN:
        file, text = "FILE", "FILE.txt"
    shown = command.format(file=shlex.quote(file), text=shlex.quote(text))
    then = f"make a text of it first, for example: {shown}" if shown else "name a text"
    return DataError(f"is {what}, not a text", where=str(path), then=then)


class Unpacked:
    """What a gzip file packs, for reading as a file of bytes. DataError for one that is damaged, or
    unpacks to more than a text does.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path, self._read = gzip.GzipFile(fileobj=file), path, 0
        self._most = RATIO * os.fstat(file.fileno()).st_size + UNPACKED

    def read(self, size: int = -1) -> bytes:
        """So many bytes, or all that follow."""
        left = self._most + 1 - self._read
        try:
            data = self._file.read(left if size < 0 else min(size, left))
        except (OSError, EOFError, zlib.error) as error:
            why = "it is cut short" if isinstance(error, EOFError) else str(error)
            raise DataError(f"is damaged: {why}", where=str(self._path)) from None
        self._read += len(data)
        if self._read > self._most:
            raise DataError(
                f"unpacks to more than {RATIO} times its size and {UNPACKED:,} bytes: no text is "
                "packed so well",
                where=str(self._path),
                then="if it is one all the same, unpack it first",
            )
        return data


def unpacked(file: BinaryIO, path: Path) -> BinaryIO | Unpacked:
    """The file, or what it packs with gzip."""
    begin = file.read(len(GZIP))
    file.seek(0)
    return Unpacked(file, path) if begin == GZIP else file
