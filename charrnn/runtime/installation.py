"""Where this charrnn was installed from, and the command that adds an extra to it.

The name on the package index differs from the name of the import, which another project owns there:
advice must come from the installation's own metadata, never from the import's name.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import Distribution

DISTRIBUTION = "charrnn-bptt"
# What an extra brings, for a copy of the package that pip knows nothing of. As in setup.cfg.
EXTRAS = {
    "fast": ("numba",),
    "plot": ("matplotlib",),
    "onnx": ("onnx",),
    "mpi": ("mpi4py", "mpich"),
    "tensorboard": ("tensorboardX",),
}
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Installation:
    """What pip knows of this charrnn.

    Attributes:
        checkout: the folder of an editable installation, or of a clone that runs uninstalled.
        known: whether pip has installed the distribution, from wherever.
    """

    checkout: Path | None
    known: bool

    def requirement(self, extra: str) -> list[str]:
        """The arguments of `pip install` that add the extra to what is installed."""
        if self.checkout is not None:
            return ["-e", f"{self.checkout}[{extra}]"]
        if self.known:
            return [f"{DISTRIBUTION}[{extra}]"]
        return list(EXTRAS[extra])


def find_installation(
    installed: Iterable[Distribution] | None = None, package: Path = _PACKAGE
) -> Installation:
    """Read the metadata of the installed distribution, and look where the package stands.

    Args:
        installed: distributions of this name, the ones of this interpreter unless given.
        package: the folder of the import package.
    """
    # Read only where something is missing: slow to import, and every command would wait for it.
    from importlib.metadata import distributions

    found = list(distributions(name=DISTRIBUTION) if installed is None else installed)
    for distribution in found:
        folder = _editable_folder(distribution)
        if folder is not None and folder.is_dir():
            return Installation(folder, True)
    return Installation(_clone_around(package), bool(found))


def install_command(extra: str) -> str:
    """The shell command that installs one of EXTRAS into the environment that runs this."""
    return shlex.join([_python(), "-m", "pip", "install", *find_installation().requirement(extra)])


def _editable_folder(distribution: Distribution) -> Path | None:
    """The folder that PEP 610's direct_url.json records for an editable installation."""
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    try:
        record = json.loads(distribution.read_text("direct_url.json") or "{}")
        if not record.get("dir_info", {}).get("editable"):
            return None
        url = urlsplit(record["url"])
    except (ValueError, KeyError, AttributeError):
        return None
    return Path(url2pathname(url.path)) if url.scheme == "file" else None


def _clone_around(package: Path) -> Path | None:
    """The folder of the repository that the package stands in, where it stands in one."""
    try:
        described = (package.parent / "setup.cfg").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    return package.parent if f"name = {DISTRIBUTION}\n" in described else None


def _python() -> str:
    """`python` where the shell would start this interpreter by it, else its path."""
    on_path = shutil.which("python")
    if on_path is not None and Path(on_path).absolute() == Path(sys.executable).with_name("python"):
        return "python"
    return sys.executable or "python"
