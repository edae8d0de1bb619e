"""Compiled loops on disk, by Numba's own cache; where that fails, loops are compiled and not kept.

Numba looks for a folder when a function is declared, and raises where there is none (a container:
packages that cannot be written, no home). It unpickles whatever a file holds, and a full disk is an
error of the call that compiles. None of these is a reason not to train. And it keeps a function
until the file changes that it stands in; but what a loop calls is a part of it, wherever that
stands, so that here a change of any of these files is one of all loops.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, cached_property
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from numba.core.caching import FunctionCache, IndexDataCacheFile, NullCache

from charrnn.errors import notice

_DIGEST_BYTES = 32
_told: set[str] = set()
_at_first_miss: list[Callable[[], None]] = []


@contextmanager
def at_first_miss(call: Callable[[], None]) -> Iterator[None]:
    """While it lasts, `call` once, before the first function that the disk has not is compiled."""
    _at_first_miss.append(call)
    try:
        yield
    finally:
        if call in _at_first_miss:
            _at_first_miss.remove(call)


def stamp_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Of a folder's modules: their names, times and sizes. Raises OSError."""
    found = ((path.name, path.stat()) for path in sorted(folder.glob("*.py")))
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in found)


@cache
def _own_stamp() -> tuple[tuple[str, int, int], ...]:
    return stamp_of(Path(__file__).parent)


class SealedFiles(IndexDataCacheFile):  # type: ignore[misc]
    """Index and data, each with a SHA-256 at its end; one without it is as if it were not there.

    A pickle ends before it, so that these are Numba's files still.
    """

    def _load_index(self) -> Any:
        return super()._load_index() if _is_intact(self._index_path) else {}

    def _load_data(self, name: str) -> Any:
        if not _is_intact(self._data_path(name)):
            raise FileNotFoundError(name)
        return super()._load_data(name)

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[IO[bytes]]:
        content = BytesIO()
        yield content
        data = content.getvalue()
        with super()._open_for_write(filepath) as file:
            file.write(data + hashlib.sha256(data).digest())


class LoopCache(NullCache):  # type: ignore[misc]
    """The cache of one function: looked for when first needed, and done without where it fails."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    @cached_property
    def _disk(self) -> FunctionCache | None:
        try:
            disk = FunctionCache(self._function)
            disk._cache_file = SealedFiles(
                cache_path=disk.cache_path,
                filename_base=disk._impl.filename_base,
                source_stamp=(disk._impl.locator.get_source_stamp(), _own_stamp()),
            )
        except Exception as error:
            _tell_once(error)
            return None
        return disk

    @property
    def cache_path(self) -> str | None:
        return None if self._disk is None else self._disk.cache_path

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        if self._disk is None:
            return None
        loaded = None
        with suppress(Exception):  # of whatever was unpickled: it is compiled, and written anew
            if self._is_listed(sig, target_context):
                loaded = self._disk.load_overload(sig, target_context)
        while loaded is None and _at_first_miss:
            _at_first_miss.pop()()
        return loaded

    def _is_listed(self, sig: Any, target_context: Any) -> bool:
        """Asked first, as Numba makes itself ready to load also where there is nothing to load."""
        assert self._disk is not None
        key = self._disk._index_key(sig, target_context.codegen())
        return key in self._disk._cache_file._load_index()

    def save_overload(self, sig: Any, data: Any) -> None:
        _set_environments(data)
        if self._disk is None:
            return
        try:
            self._disk.save_overload(sig, data)
        except Exception as error:
            _tell_once(error)


def _set_environments(compiled: Any) -> None:
    """Those of its parts too, as where it is loaded from the disk."""
    compiled.library._ensure_finalized()
    for environment in compiled._find_referenced_environments():
        compiled.library.codegen.set_env(environment.env_name, environment)


def _is_intact(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return False
    data, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    return hashlib.sha256(data).digest() == digest


def _tell_once(error: Exception) -> None:
    if _told:
        return
    _told.add(str(error))
    reason = getattr(error, "strerror", None) or "Numba finds no folder that it can write to"
    notice(
        f"the compiled loops cannot be kept on disk ({reason}), and every start compiles them "
        "again: set NUMBA_CACHE_DIR to a folder that can be written"
    )
