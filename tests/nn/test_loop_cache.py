"""A Numba that is broken, or cannot keep what it compiles, does not stop a run."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest

from tests.conftest import PATIENCE, ROOT

pytest.importorskip("numba", reason="the extra fast is not installed")

import numba
from numba.core.caching import CacheImpl

from charrnn import build, config
from charrnn.build.training import optimiser
from charrnn.errors import Notice
from charrnn.nn import bptt
from charrnn.nn.backends.compiled import cache, helper, lstm, output, product, reading, rnn, window

LOOP = """
from charrnn.nn.backends.compiled.compiling import compiled

@compiled
def after(x):
    return x + 1
"""


@pytest.fixture
def loop(tmp_path, monkeypatch):
    """A function as the loops are, with a cache of its own; each call is a new program's."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_told", set())
    (tmp_path / "loop.py").write_text(LOOP)

    def load():
        spec = importlib.util.spec_from_file_location("loop", tmp_path / "loop.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.after

    return load


def files(tmp_path):
    return sorted((tmp_path / "cache").glob("*/*.nb[ic]"))


def hits(function):
    return sum(function.stats.cache_hits.values())


def flipped(data):
    at = random.Random(1).randrange(len(data))
    return data[:at] + bytes([data[at] ^ 64]) + data[at + 1 :]


DAMAGE = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "cut by one byte": lambda data: data[:-1],
    "a flipped bit": flipped,
    "of zeros": lambda data: bytes(len(data)),
    "text": lambda data: b"not a pickle at all\n" * 9,
    "longer": lambda data: data + b"x",
}


@pytest.mark.parametrize("which", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_is_rebuilt(damage, which, loop, tmp_path):
    assert loop()(1) == 2
    [path] = [path for path in files(tmp_path) if path.suffix == which]
    good = path.read_bytes()
    kept = loop()
    assert (kept(1), hits(kept)) == (2, 1)
    path.write_bytes(DAMAGE[damage](good))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rebuilt, later = loop(), loop()
        assert (rebuilt(1), hits(rebuilt)) == (2, 0)
        assert (later(1), hits(later)) == (2, 1)


def test_a_folder_in_a_files_place_is_done_without(loop, tmp_path):
    assert loop()(1) == 2
    for path in files(tmp_path):
        path.unlink()
        path.mkdir()
    with pytest.warns(Notice, match="cannot be kept on disk"):
        assert loop()(1) == 2


def test_without_a_folder_it_is_compiled_and_told_once(loop, monkeypatch):
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    with pytest.warns(Notice, match="set NUMBA_CACHE_DIR") as told:
        assert [loop()(x) for x in (1, 1.0)] == [2, 2.0]
    assert len(told) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit")
def test_a_full_disk_is_no_error_of_the_run(loop, tmp_path):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    function = loop()
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.warns(Notice, match="File too large"):
            assert function(1) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files(tmp_path) == []
    later = loop()
    assert (later(1), hits(later)) == (2, 0)


def test_what_the_cache_has_not_is_told_once_and_what_it_has_is_not(loop):
    told = []
    for expected in (["missing"], []):
        told.clear()
        with cache.at_first_miss(lambda: told.append("missing")):
            assert (loop()(1), loop()(1)) == (2, 2)
        assert told == expected
    loop()(1.0)
    assert told == []


PARTS = """
from charrnn.nn.backends.compiled.compiling import compiled, part, tanh

@part
def grown(x, n):
    for j in range(n):
        for k in range(n):
            x[j] = tanh(x[j] - x[k] * x[j]) + (x[k] - x[j]) * x[j]

@compiled
def after(x):
    grown(x, len(x))
    grown(x, len(x) - 1)
"""


def test_a_part_is_in_the_loop_and_nowhere_else(loop, tmp_path):
    """As a function of its own it would be there twice, and be rounded in two ways."""
    (tmp_path / "loop.py").write_text(PARTS)
    function = loop()
    function(np.ones(3, np.float32))
    [code] = function.inspect_llvm().values()
    assert not [line for line in code.splitlines() if "grown" in line and " call " in line]
    assert not [line for line in code.splitlines() if "tanh" in line and " call " in line]


CELLS = {
    "rnn": (["model.cell=rnn"], rnn),
    "lstm": ([], lstm),
    "coupled peepholes": (["model.coupled_gates=true", "model.peepholes=true"], lstm),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CELLS)
def test_the_other_process_compiles_what_training_runs(name, dtype, monkeypatch):
    sets, module = CELLS[name]
    sets = [*sets, "runtime.kernels=numba", f"runtime.dtype={dtype}", "model.hidden_size=3"]
    chosen = config.load(None, sets)
    network = build.network(chosen, 5)
    runs = {"_backward": module, "_learn": output, "_scatter": window, "_adam_step": window,
            "_add_product": product, "_scan": reading, "_cross_entropy": reading}  # fmt: skip
    calls = {loop: [] for loop in runs}

    def recorded(loop):
        return lambda *args: calls[loop].append([*map(numba.typeof, args)])

    for loop, owner in runs.items():
        monkeypatch.setattr(owner, loop, recorded(loop))
    other = helper.Request(**json.loads(json.dumps(vars(helper.Request.of(network))))).network()
    for run in helper.WORK.values():
        run(other)
    x, grad = np.ones((4, 2), np.int32), network.params.like()
    with np.errstate(invalid="ignore"):  # the loop fills nothing
        bptt.gradient(network, bptt.Batch(x, x, mask=x > 0), network.zero_state(2), grad, 1.0)
        bptt.gradient(network, bptt.Batch(x, x), network.zero_state(2), grad, 1.0)
        network.nats_and_correct(network.read(x, network.zero_state(2))[0], x)
    optimiser(chosen, network).update(grad.flat, 0.1)
    for types in calls.values():
        assert len(types) > 1
        assert all(types[0] == later for later in types)


@pytest.mark.parametrize("executable", ["", "no-such-python", sys.executable])
def test_another_process_that_fails_is_done_without(executable, monkeypatch):
    monkeypatch.setattr(helper.sys, "executable", executable)
    monkeypatch.setattr(helper, "_PROGRAM", "raise SystemExit(3)")
    network = build.network(config.load(None, ["runtime.kernels=numba"]), 5)
    done = []
    monkeypatch.setattr(
        helper, "WORK", {name: lambda _, name=name: done.append(name) for name in "ab"}
    )
    with helper.compiling_beside(network) as other:
        for missing in cache._at_first_miss:
            missing()
        other.share(network)
    assert not cache._at_first_miss
    assert done in ([], ["b", "a"])


def charrnn_with(tmp_path, *args, **environment):
    return subprocess.run(
        [sys.executable, "-m", "charrnn", *map(str, args)], cwd=tmp_path, capture_output=True,
        text=True, timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", **environment},
    )  # fmt: skip


TRAIN = ["train", "--text", "text.txt", "--steps", 1, "--set=model.hidden_size=32"]


def test_a_run_without_any_folder_for_compiled_loops(text_file, tmp_path):
    """What a container gives an ordinary user: packages that are read-only, and no home."""
    small = ["--set=model.cell=rnn", "--set=model.num_layers=1"]
    done = charrnn_with(
        tmp_path, *TRAIN, *small, NUMBA_CACHE_LOCATOR_CLASSES="UserProvidedCacheLocator",
        NUMBA_CACHE_DIR="",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "numba kernels" in done.stderr
    assert done.stderr.count("set NUMBA_CACHE_DIR to a folder that can be written") == 1


@pytest.mark.parametrize(
    "raised",
    [
        "ImportError('Numba needs NumPy 1.0 or less')",
        "OSError('Could not find/load shared object file')",
        "AttributeError('module has no attribute x')",
        "SystemError('initialization of _internal failed')",
    ],
)
def test_a_numba_that_cannot_be_imported(raised, text_file, tmp_path, program):
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "numba.py").write_text(f"raise {raised}\n")

    def run(*words):
        return program.run([str(word) for word in words], tmp_path, modules=modules)

    done = run(*TRAIN, "--out", "a")
    assert done.returncode == 0, done.stderr
    assert "numpy kernels" in done.stderr
    assert done.stderr.count("notice: Numba is installed and cannot be used") == 1
    assert raised.split("'")[1] in done.stderr
    read = [("eval", "a", "--text", "text.txt"), ("score", "a", "text.txt"),
            ("sample", "a", "--length", 5000)]  # fmt: skip
    for command in read:
        used = run(*command)
        assert used.returncode == 0, used.stderr
        assert "Traceback" not in used.stderr
    asked = run(*TRAIN, "--out", "b", "--set=runtime.kernels=numba")
    assert asked.returncode == 6
    assert "Traceback" not in asked.stderr
    assert raised.split("'")[1] in asked.stderr
    assert "runtime.kernels=numpy" in asked.stderr


def test_a_numba_that_may_not_compile_is_not_used(text_file, tmp_path):
    done = charrnn_with(tmp_path, *TRAIN, NUMBA_DISABLE_JIT="1")
    assert done.returncode == 0, done.stderr
    assert "numpy kernels" in done.stderr
    assert "NUMBA_DISABLE_JIT is set" in done.stderr


def test_a_change_of_what_a_loop_may_call_compiles_it_again(loop, tmp_path, monkeypatch):
    """What it calls is compiled into it, from files that Numba does not look at."""
    monkeypatch.setattr(cache, "_own_stamp", lambda: cache.stamp_of(tmp_path))
    (tmp_path / "called.py").write_text("one = 1")
    assert loop()(1) == 2
    kept = loop()
    assert (kept(1), hits(kept)) == (2, 1)
    (tmp_path / "called.py").write_text("one = 1.0")
    again = loop()
    assert (again(1), hits(again)) == (2, 0)


def test_two_processes_share_their_work_and_do_none_of_it_twice(monkeypatch):
    pipes = [os.pipe(), os.pipe()]
    monkeypatch.setattr(helper, "WORK", dict.fromkeys("abcd"))
    (own_in, others_out), (others_in, own_out) = pipes
    own = helper._Shared(lambda: os.read(own_in, 1), lambda byte: os.write(own_out, byte))
    other = helper._Shared(lambda: os.read(others_in, 1), lambda byte: os.write(others_out, byte))
    try:
        taken = [own.take("d"), other.take("a"), own.take("c"), other.take("b")]
    finally:
        for out in (others_out, own_out):  # what is told arrives before the end does
            os.close(out)
        for shared in (own, other):
            shared.listening.join()
        for end in (own_in, others_in):
            os.close(end)
    assert taken == [True] * 4
    assert [own.take(name) for name in "ab"] + [other.take(name) for name in "cd"] == [False] * 4
