"""How much memory there is, so that what cannot fit is refused before anything is allocated."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from charrnn.errors import ConfigError

if sys.platform != "win32":
    import resource

GIB = 2**30
PROCESS = Path("/proc/self")
# By type of file system: the file of a group that has its limit.
_LIMITS = {"cgroup2": "memory.max", "cgroup": "memory.limit_in_bytes"}


def total() -> int | None:
    """Bytes that this process may have at most; None where the system does not tell."""
    limits = [_installed(), _address_space(), *group_limits()]
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


def group_limits(process: Path = PROCESS) -> list[int]:
    """The limits, in bytes, of the control groups that this process is in, and of those around.

    `process`: its folder under /proc. A service, a job of a scheduler and a container each have a
    group of their own, whose limit is not at the root.
    """
    try:
        own = _own_groups((process / "cgroup").read_text())
        mounts = (process / "mountinfo").read_text().splitlines()
    except OSError:
        return []
    found = []
    for mount in mounts:
        before, _, after = mount.partition(" - ")
        kind, _, options = (after.split() + [""] * 3)[:3]
        if kind not in own or (kind == "cgroup" and "memory" not in options.split(",")):
            continue
        root, top = before.split()[3:5]
        found += _limits(Path(top), _below(root, own[kind]), _LIMITS[kind])
    return found


def _own_groups(text: str) -> dict[str, str]:
    """The process's group by type of file system, from lines of number:controllers:path."""
    own = {}
    for line in text.splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            own["cgroup2"] = path
        elif "memory" in controllers.split(","):
            own["cgroup"] = path
    return own


def _below(root: str, group: str) -> list[str]:
    """The names from a mount's root to a group; none where the group lies outside of it."""
    names, above = group.strip("/").split("/"), root.strip("/").split("/") if root != "/" else []
    inside = names[: len(above)] == above and ".." not in names
    return [name for name in names[len(above) :] if name] if inside else []


def _limits(top: Path, names: list[str], file: str) -> list[int]:
    found = []
    for depth in range(len(names) + 1):
        with contextlib.suppress(OSError, ValueError):  # no such group, or "max"
            found.append(int(top.joinpath(*names[:depth], file).read_text()))
    return found
