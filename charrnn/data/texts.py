"""Finding and reading text files, without changing a character of them."""

from __future__ import annotations

import codecs
import glob
from collections.abc import Sequence
from pathlib import Path

from charrnn.errors import DataError
from charrnn.text import Unit


def find_files(patterns: Sequence[str]) -> list[Path]:
    """Files named by paths and globs, in the order given, globs sorted."""
    files: list[Path] = []
    for pattern in patterns:
        path = Path(pattern)
        if path.exists():
            files.append(path)
            continue
        matches = sorted(Path(match) for match in glob.glob(pattern, recursive=True))
        if not matches:
            is_glob = any(c in pattern for c in "*?[")
            raise DataError(
                "no file matches" if is_glob else "no such file",
                where=pattern,
                then=f"looked in {Path.cwd()}; name a text with --text FILE or data.text",
            )
        files += [match for match in matches if match.is_file()]
    return files


def read_text(path: Path, unit: Unit = "char", encoding: str = "utf-8") -> str:
    """A file's text. Line ends are kept as they are; a byte order mark is not part of the text."""
    if path.is_dir():
        raise DataError(
            "is a folder, not a text", where=str(path), then=f"name its files: '{path}/*.txt'"
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from None
    if unit == "byte":
        return data.decode("latin-1")
    try:
        codec = codecs.lookup(encoding)
        "".encode(encoding)  # Python also has codecs that are not of text, such as hex
    except LookupError:
        raise DataError(
            f"unknown encoding {encoding!r}", where="data.encoding", then="for example: utf-8"
        ) from None
    try:
        return codec.decode(data)[0].removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataError(
            f"not {encoding}: byte 0x{data[error.start]:02X} at offset {error.start}",
            where=str(path),
            then="set data.encoding (cp1252, latin-1, utf-16, …), or data.unit: byte",
        ) from None
