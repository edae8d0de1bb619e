"""Ranks that are processes, under a real `mpiexec`."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from charrnn.runtime.installation import install_command
from tests.conftest import PATIENCE, ROOT, wait_for

BESIDE = Path(sys.executable).parent
MPIEXEC = shutil.which("mpiexec", path=f"{BESIDE}{os.pathsep}{os.environ['PATH']}")
needs_mpi = pytest.mark.skipif(
    MPIEXEC is None or find_spec("mpi4py") is None, reason="needs the extra mpi"
)
SETS = [
    "model.hidden_size=8", "runtime.kernels=numpy", "runtime.threads=1", "train.batch_size=8",
    "train.eval_every=50", "train.checkpoint_every=5", "train.epochs=null", "bptt.k1=20",
    "bptt.k2=20", "model.dropout=0.2", "train.keep=2",
]  # fmt: skip
TEXT = str(ROOT / "data" / "quickstart.txt")


def arguments(*more):
    sets = [part for pair in SETS for part in ("--set", pair)]
    return ["train", "--text", TEXT, *sets, *map(str, more)]


def mpiexec(tmp_path, ranks=2):
    """The beginning of a command; each rank leaves its process's number in a file."""
    script = f"echo $$ > {tmp_path}/pid-$PMI_RANK-; mv {tmp_path}/pid-$PMI_RANK- "
    script += f'{tmp_path}/pid-$PMI_RANK; exec "$0" -m charrnn "$@"'
    return [MPIEXEC, "-n", str(ranks), "/bin/sh", "-c", script, sys.executable]


def run(command, **more):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, check=False, **more
    )


def last(out):
    return sorted((out / "checkpoints").glob("step-*"))[-1]


def begun(tmp_path, out):
    """A run of two ranks that has saved, and would not end."""
    process = subprocess.Popen(
        [*mpiexec(tmp_path), *arguments("--out", out, "--steps", 10**6, "-q")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    first = out / "checkpoints" / "step-000000005.safetensors"
    wait_for(lambda: any(path > first for path in out.glob("checkpoints/step-*")), process)
    return process


def rank(tmp_path, number):
    return int((tmp_path / f"pid-{number}").read_text())


@needs_mpi
def test_two_ranks_have_the_bits_of_two_threads_and_one_writes(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    threads = ["--set", "runtime.threads=2"]
    alone = run(
        [sys.executable, "-m", "charrnn", *arguments("--out", one, "--steps", 60), *threads]
    )
    both = run([*mpiexec(tmp_path), *arguments("--out", two, "--steps", 60)])
    assert both.returncode == 0, both.stderr
    assert both.stdout == alone.stdout.replace(str(one), str(two))
    assert "1 thread on each of 2 ranks" in both.stderr
    assert len(re.findall("finished: 60 steps", both.stderr)) == 1
    arrays, others = load_file(last(one)), load_file(last(two))
    assert all(np.array_equal(arrays[name], others[name]) for name in arrays)


@needs_mpi
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_rank_ends_all_and_the_run_goes_on_byte_for_byte(victim, tmp_path):
    out, whole = tmp_path / "run", tmp_path / "whole"
    process = begun(tmp_path, out)
    os.kill(rank(tmp_path, victim), signal.SIGKILL)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode not in (0, 1)
    assert "if one rank is killed, mpiexec ends all" in said
    assert said.count(f"mpiexec -n 2 charrnn train --resume {out}") == 1
    steps = int(last(out).stem.removeprefix("step-")) + 7
    resumed = run([*mpiexec(tmp_path), "train", "--resume", str(out), "--steps", str(steps), "-q"])
    assert resumed.returncode == 0, resumed.stderr
    assert run([*mpiexec(tmp_path), *arguments("--out", whole, "--steps", steps)]).returncode == 0
    assert last(out).name == last(whole).name
    assert last(out).read_bytes() == last(whole).read_bytes()


@needs_mpi
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_to_one_rank_saves_and_ends_all(number, code, tmp_path):
    process = begun(tmp_path, tmp_path / "run")
    os.kill(rank(tmp_path, 1), number)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    step = int(last(tmp_path / "run").stem.removeprefix("step-"))
    assert said.count(f"interrupted; step {step:,} is saved") == 1
    assert not re.search("Traceback|Abort|KILLED", said)


@needs_mpi
@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        (["--text", "/nowhere"], 3, "no such file"),
        (["--set", "model.hiden=2"], 2, "unknown key"),
        (["--nonsense"], 2, "No such option"),
        (["--set", "train.batch_size=1"], 2, "2 ranks, and B = 1 streams"),
    ],
)
def test_a_mistake_is_told_once(given, code, says, tmp_path):
    done = run([*mpiexec(tmp_path), *arguments("--out", tmp_path / "run", "--steps", 5), *given])
    assert done.returncode == code
    assert done.stderr.count(says) == 1
    assert not re.search("Traceback|Abort", done.stderr)


def test_without_mpi4py_an_mpiexec_is_told_what_to_install(tmp_path):
    (tmp_path / "mpi4py").mkdir()
    (tmp_path / "mpi4py" / "__init__.py").write_text("raise ImportError('not there')\n")
    said = []
    for number in ("0", "1"):
        environment = {
            **os.environ, "PMI_RANK": number, "PMI_SIZE": "2", "PYTHONPATH": str(tmp_path),
        }  # fmt: skip
        done = run(
            [sys.executable, "-m", "charrnn", *arguments("--out", tmp_path / "run")],
            env=environment, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode == 6
        said.append(done.stderr)
    assert install_command("mpi") in said[0]
    assert said[1] == ""
    assert not (tmp_path / "run").exists()


@needs_mpi
def test_ranks_share_the_points_of_a_sweep(tmp_path):
    (tmp_path / "s.yaml").write_text(
        f"base:\n  data: {{text: {TEXT}}}\n  model: {{hidden_size: 4, num_layers: 1}}\n"
        "  train: {steps: 3, batch_size: 4, sample_length: 0}\n"
        "grid: {train.seed: [1, 2, 3]}\n"
    )
    sweep = ["-m", "charrnn", "sweep", "s.yaml", "--format", "json", "--jobs", "1", "--out"]
    one = run([sys.executable, *sweep, "one"], cwd=tmp_path)
    two = run([MPIEXEC, "-n", "2", sys.executable, *sweep, "two"], cwd=tmp_path)
    assert one.returncode == two.returncode == 0, two.stderr
    losses = [
        [point["best_val_loss"] for point in json.loads(done.stdout)["points"]]
        for done in (one, two)
    ]
    assert len(losses[0]) == 3
    assert losses[0] == losses[1]
    assert two.stdout.count('"out"') == 1  # one rank prints the table


@needs_mpi
def test_a_rank_that_ends_before_mpi_begins_is_not_waited_for(tmp_path):
    script = 'if [ "$PMI_RANK" = 1 ]; then exit 7; fi; exec "$0" -c "$@"'
    code = (
        "import runpy, sys, charrnn.runtime.world as world; world.ARRIVAL = 4.0; "
        "runpy.run_module('charrnn', run_name='__main__')"
    )
    command = [MPIEXEC, "-n", "2", "/bin/sh", "-c", script, sys.executable, code]
    done = run([*command, *arguments("--out", tmp_path / "run", "--steps", 5)])
    assert done.returncode != 0
    assert "rank 0 of 2" in done.stderr
    assert "not all ranks came within 4 s" in done.stderr
    assert "Traceback" not in done.stderr


@needs_mpi
@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize(("given", "code"), [([], 0), (["--text", "/nowhere"], 3)])
def test_ranks_without_stderr_end_as_others(closed, given, code, tmp_path):
    script = f'exec "$0" -m charrnn "$@" {closed}'
    command = [MPIEXEC, "-n", "2", "/bin/sh", "-c", script, sys.executable]
    done = run([*command, *arguments("--out", tmp_path / "run", "--steps", 5), *given])
    assert done.returncode == code, done.stderr


@needs_mpi
def test_an_error_of_one_rank_without_stderr_ends_all():
    code = (
        "from charrnn.runtime.world import world\n"
        "with world() as ranks:\n"
        "    if ranks.rank: raise ValueError('one of two')\n"
        "    ranks.all_gather(1)\n"
    )
    script = 'exec "$0" -c "$1" 2>&-'
    done = run([MPIEXEC, "-n", "2", "/bin/sh", "-c", script, sys.executable, code])
    assert done.returncode == 1
