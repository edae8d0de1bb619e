"""How much memory there is, so that what cannot fit is refused before anything is allocated."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from charrnn.errors import ConfigError

if sys.platform != "win32":
    import resource

GIB = 2**30
_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def total() -> int | None:
    """Bytes that this process may have at most; None where the system does not tell."""
    limits = [_installed(), _address_space(), *map(_cgroup, _CGROUPS)]
    return min((limit for limit in limits if limit is not None), default=None)


def require(needed: int, what: str) -> None:
    """Raise ConfigError if `needed` bytes for `what` are more than the machine has."""
    available = total()
    if available is None or needed <= available:
        return
    raise ConfigError(
        f"{what} needs {_gib(needed)}, and this machine has {_gib(available)}",
        then="lower model.hidden_size, model.num_layers, train.batch_size or bptt.window",
    )


def _gib(count: int) -> str:
    return f"{count / GIB:,.1f} GiB" if count < 2**60 else "more than 2^30 GiB"


def _installed() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _address_space() -> int | None:
    if sys.platform == "win32":
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def _cgroup(path: str) -> int | None:
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):  # no such group, or "max"
        return None
