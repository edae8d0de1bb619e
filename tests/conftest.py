"""What tests share: small networks, and the real program in a subprocess."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from charrnn import build, config
from charrnn.analysis.gradcheck import share
from charrnn.analysis.gradcheck.cases import reference_of
from charrnn.analysis.gradcheck.comparison import Problem, check
from charrnn.nn.bptt import Batch
from tests.helpers.program import Program

ROOT = Path(__file__).parent.parent

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
# A proof of a run's gradients compares as many entries as take so many seconds.
share.SECONDS = 0.2
PATIENCE = 600.0  # seconds, for what would otherwise hang: a busy machine is no failure

# Tests run side by side: more threads than cores only make BLAS wait.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# In the background it is ignored, and every process that a test starts would ignore it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Under nohup so is this one.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Numba keeps compiled code by each file's own time, and a kernel is made of several files.
_SOURCES = sorted((ROOT / "charrnn" / "nn" / "backends" / "compiled").glob("*.py"))
_DIGEST = hashlib.sha256(b"".join(path.read_bytes() for path in _SOURCES)).hexdigest()[:12]
os.environ.setdefault(
    "NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / f"charrnn-kernels-{_DIGEST}")
)

TEXT = (
    "MARGARET:\n  The lamp (the small one) is on the table.\n\n"
    'OWEN:\n  "I know," said the clerk, "and so is the letter."\n\n'
) * 40

# A run that is there at once, with a reference for all that it computes.
FIVE_STEPS = [
    "--set", "model.hidden_size=8", "--set", "bptt.k1=8", "--set", "bptt.k2=8",
    "--set", "train.batch_size=4", "--set", "runtime.dtype=float64", "--steps", "5", "-q",
]  # fmt: skip

Runner = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    """A little text with structure, 5 KB."""
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def program() -> Iterator[Program]:
    """What the commands of this worker's tests are forked from."""
    program = Program()
    yield program
    program.close()


@pytest.fixture
def charrnn(program: Program, tmp_path: Path) -> Runner:
    """Run the real program in `tmp_path`, as a user would."""

    def run(*args: object, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return program.run([str(arg) for arg in args], tmp_path, stdin)

    return run


@pytest.fixture(scope="session")
def runs_of_modes(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs `stream` and `lines`, each of five steps, to be copied."""
    folder = tmp_path_factory.mktemp("modes")
    (folder / "text.txt").write_text(TEXT, encoding="utf-8")
    for mode in ("stream", "lines"):
        words = ["train", "--text", "text.txt", "--out", mode, f"--set=data.mode={mode}"]
        done = program.run([*words, *FIVE_STEPS], folder)
        assert done.returncode == 0, done.stderr
    return folder


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Until the condition holds, which it must while the process lives."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)


@dataclass(frozen=True)
class Hold:
    """Trainings of `environment` wait where they save a step's checkpoint, until `release`.

    So that a test meets them in the middle, however slow or fast the machine is.
    """

    environment: dict[str, str]
    _go: Path

    def release(self) -> None:
        self._go.touch()

    def count(self) -> int:
        """How many wait, or have waited."""
        return len(list(self._go.parent.glob("held-*")))


@pytest.fixture
def hold(tmp_path: Path) -> Callable[[int], Hold]:
    def at(step: int) -> Hold:
        folder = tmp_path / "hold"
        folder.mkdir()
        go, name = folder / "go", f"step-{step:09d}.safetensors"
        (folder / "sitecustomize.py").write_text(
            "import os, sys, time\n"
            "def hold(event, arguments):\n"
            f"    if event == 'os.rename' and os.fsdecode(arguments[1]).endswith({name!r}):\n"
            f"        open({str(folder)!r} + f'/held-{{os.getpid()}}', 'w').close()\n"
            f"        while not os.path.exists({str(go)!r}):\n"
            "            time.sleep(0.01)\n"
            "sys.addaudithook(hold)\n"
        )
        return Hold({**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}, go)

    return at


def make_problem(
    sets: list[str],
    *,
    T: int = 6,
    B: int = 3,
    K: int = 5,
    H: int = 4,
    first: int = 0,
    dropout: bool = False,
    lengths: list[int] | None = None,
    seed: int = 0,
):
    """A float64 network of random parameters, its reference, and a batch with a random state."""
    settings = config.load(None, ["runtime.dtype=float64", f"model.hidden_size={H}", *sets])
    network = build.network(settings, K)
    build.initialise(network, settings)
    rng = np.random.default_rng(seed)
    for view in network.params.values():
        view += 0.3 * rng.standard_normal(view.shape)
    state = 0.5 * rng.standard_normal(network.zero_state(B).shape)
    x, y = rng.integers(0, K, (T, B)), rng.integers(0, K, (T, B))
    mask = None if lengths is None else np.arange(T)[:, None] < np.array(lengths)
    masks = None
    if dropout:
        masks = (rng.random((len(network.cells), T, B, H)) < 0.6) / 0.6
    problem = Problem([Batch(x, y, first, mask=mask)], [state], 1 / (T * B), masks)
    return network, reference_of(settings), problem


def worst_error(network, reference, problem, **more) -> float:
    """The largest relative error of any entry, by complex step."""
    return max(r.max_relative_error for r in check(network, reference, problem, **more))
