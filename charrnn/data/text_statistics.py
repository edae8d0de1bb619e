"""The first of two passes over a large text: how long it is, its symbols, its hash.

What was found is remembered for files that are still the same: path, size, inode, and times of
the last change of content and of anything, to the nanosecond.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.config.schema import DataConfig
from charrnn.data.vocabulary import code_points
from charrnn.errors import DataError
from charrnn.runtime.files import read_regular
from charrnn.storage.atomic import replacing_cached

VARIABLE = "CHARRNN_CACHE"
OFF = "off"


def cache_folder() -> Path | None:
    """$CHARRNN_CACHE, or charrnn/ in the user's folder for caches; None where it is "off"."""
    named = os.environ.get(VARIABLE)
    if named:
        return None if named == OFF else Path(named)
    if sys.platform == "win32":
        home = os.environ.get("LOCALAPPDATA")
    else:
        home = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(home or Path.home() / ".cache") / "charrnn"
    except RuntimeError:  # the user has no home
        return Path(tempfile.gettempdir()) / "charrnn"


def require_own(folder: Path) -> None:
    """Make the folder, so that nobody else can write in it. Raises OSError where it is not ours.

    Whoever can write there chooses what a model is trained on.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name != "posix":
        return
    facts = folder.stat()
    if facts.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "it belongs to another user", str(folder))
    if facts.st_mode & 0o022:
        folder.chmod(0o700)


SETTLED = 2 * 10**9  # nanoseconds; a file changed later than this may change unnoticed
MAX_STORED = 1 << 26  # bytes
_FORMAT = 1
_CODE_POINTS = 0x110000
State = list[tuple[str, int, int, int, int]]


@dataclass(frozen=True)
class TextStatistics:
    """`symbols` in code point order; `sha256` of the text in UTF-8."""

    characters: int
    symbols: str
    sha256: str


def count_text(pieces: Iterable[str]) -> TextStatistics:
    """Count a text that comes in pieces."""
    digest, characters = hashlib.sha256(), 0
    seen, seen_ascii = np.zeros(_CODE_POINTS, bool), b""
    for text in pieces:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(data)
        characters += len(text)
        # What remains without the ASCII characters that were seen is little in most texts.
        if rest := data.translate(None, seen_ascii):
            seen[code_points(rest.decode("utf-8", "surrogatepass"))] = True
            seen_ascii = bytes(np.flatnonzero(seen[:128]).tolist())
    symbols = "".join([chr(point) for point in np.flatnonzero(seen)])
    return TextStatistics(characters, symbols, digest.hexdigest())


def state_of(files: Sequence[Path]) -> State:
    """What tells whether files are still the same. Raises DataError."""
    try:
        found = [(path, path.stat()) for path in map(Path.resolve, files)]
    except OSError as error:
        where = str(error.filename)
        raise DataError(f"cannot be read: {error.strerror}", where=where) from None
    return [(str(p), s.st_size, s.st_ino, s.st_mtime_ns, s.st_ctime_ns) for p, s in found]


def recall(config: DataConfig, state: State) -> TextStatistics | None:
    """The statistics of files in this state, if they are remembered."""
    if (path := _place(config, state)) is None:
        return None
    try:
        require_own(path.parent)
        stored = json.loads(read_regular(path, MAX_STORED))
        statistics = TextStatistics(**stored["statistics"])
        return statistics if stored["check"] == _check(asdict(statistics)) else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def remember(config: DataConfig, state: State, statistics: TextStatistics) -> None:
    """Keep statistics, unless the files changed a moment ago or the cache cannot be written."""
    if max(max(mtime, ctime) for *_, mtime, ctime in state) > time.time_ns() - SETTLED:
        return
    if (path := _place(config, state)) is None:
        return
    facts = asdict(statistics)
    with suppress(OSError):
        require_own(path.parent)
        with replacing_cached(path) as file:
            file.write(json.dumps({"statistics": facts, "check": _check(facts)}).encode())


def _place(config: DataConfig, state: State) -> Path | None:
    folder = cache_folder()
    key = [_FORMAT, state, config.unit, config.encoding, config.mode]
    return None if folder is None else folder / f"{_check(key)}.json"


def _check(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:40]
