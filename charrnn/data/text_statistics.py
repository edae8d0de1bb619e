"""The first of two passes over a large text: how long it is, its symbols, its hash.

What was found is remembered for files that are still the same: path, size, inode, and times of
the last change of content and of anything, to the nanosecond.

Also the statistics of its lines: how many, how long, and which repeat an earlier one.
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
from numpy.typing import NDArray

from charrnn.config.schema import DataConfig
from charrnn.data.layout import layout_of
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
    key = [_FORMAT, state, config.unit, config.encoding, layout_of(config).key]
    return None if folder is None else folder / f"{_check(key)}.json"


def _check(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:40]


LONGEST_COUNTED = 1000  # characters of a line; longer ones are counted as such
LONGEST_COMPARED = 1 << 16  # characters; longer lines are not looked for again
_BLANK = np.array([hash(""), hash("\r")])
_CR = 13


class LineCounter:
    """Counts lines that "\\n" ends; a carriage return before it is no part of a line's length.

    Lines are compared by 64-bit hashes, 8 bytes a distinct line.
    """

    def __init__(self) -> None:
        self.ended = 0
        self.open = 0  # characters of the line that has not ended yet
        self.blank = 0
        self.groups = 0  # of lines that no blank one stands between
        self._after_blank = True
        self.longest, self.longest_at = 0, 0
        self.lengths = np.zeros(LONGEST_COUNTED + 1, np.int64)  # how many lines have each
        self.compared = 0
        self._distinct = np.empty(0, np.int64)
        self._new, self._waiting = list[NDArray[np.int64]](), 0
        self._tail = ""
        self._tail_is_long = False
        self._last_is_cr = False

    def take(self, text: str, points: NDArray[np.integer], ends: NDArray[np.int64]) -> None:
        """The next chunk, its code points, and where in it the line feeds are."""
        if len(ends):
            lengths = np.diff(ends, prepend=-1) - 1
            lengths[0] += self.open
            lengths[1:] -= points[ends[1:] - 1] == _CR
            lengths[0] -= points[ends[0] - 1] == _CR if ends[0] else self._last_is_cr
            self._measure(lengths)
            self.open = len(points) - int(ends[-1]) - 1
        else:
            self.open += len(points)
        self._last_is_cr = bool(points[-1] == _CR)
        self._compare(text)

    def _measure(self, lengths: NDArray[np.int64]) -> None:
        at = int(np.argmax(lengths))
        if lengths[at] > self.longest:
            self.longest, self.longest_at = int(lengths[at]), self.ended + at + 1
        self.lengths += np.bincount(
            np.minimum(lengths, LONGEST_COUNTED), minlength=len(self.lengths)
        )
        self.ended += len(lengths)
        blank = lengths == 0
        self.blank += int(blank.sum())
        after = np.concatenate([[self._after_blank], blank[:-1]])
        self.groups += int((after & ~blank).sum())
        self._after_blank = bool(blank[-1])

    def _compare(self, text: str) -> None:
        pieces = (self._tail + text).split("\n")
        if self._tail_is_long and len(pieces) > 1:
            del pieces[0]
            self._tail_is_long = False
        self._tail = "" if self._tail_is_long else pieces.pop()
        if self._tail_is_long:
            return
        if len(self._tail) > LONGEST_COMPARED:
            self._tail, self._tail_is_long = "", True
        self._remember(pieces)

    def _remember(self, lines: list[str]) -> None:
        if self.longest > LONGEST_COMPARED:
            lines = [line for line in lines if len(line) <= LONGEST_COMPARED]
        hashes = np.fromiter(map(hash, lines), np.int64, len(lines))
        hashes = hashes[(hashes != _BLANK[0]) & (hashes != _BLANK[1])]
        self.compared += len(hashes)
        self._keep(hashes)

    def _keep(self, hashes: NDArray[np.int64]) -> None:
        self._new.append(hashes)
        self._waiting += len(hashes)
        if self._waiting > max(len(self._distinct), 1 << 16):
            self._merge()

    def _merge(self) -> None:
        self._distinct = np.unique(np.concatenate([self._distinct, *self._new]))
        self._new, self._waiting = [], 0

    def finish(self) -> None:
        """The text has ended: a last line without line end is one too."""
        if self.open:
            self._measure(np.array([self.open - self._last_is_cr]))
            self._remember([] if self._tail_is_long else [self._tail])
        self.open, self._tail, self._tail_is_long = 0, "", False

    @property
    def duplicates(self) -> int:
        """Lines, not blank, that repeat an earlier one."""
        self._merge()
        return self.compared - len(self._distinct)

    def add(self, other: LineCounter) -> None:
        """The lines of another text, after these; both finished."""
        if other.longest > self.longest:
            self.longest, self.longest_at = other.longest, other.longest_at
        self.lengths += other.lengths
        self.ended += other.ended
        self.blank += other.blank
        self.groups += other.groups
        self.compared += other.compared
        for hashes in (other._distinct, *other._new):
            self._keep(hashes)


def repeated_share(text: str, end: str = "\n") -> tuple[float, int]:
    """The share of a text's lines, blank ones apart, that repeat an earlier one; and how many lines
    that is a share of. `end`: what ends a line, or whatever else is compared.
    """
    counter = LineCounter()
    counter._remember(text.split(end))
    return counter.duplicates / max(counter.compared, 1), counter.compared
