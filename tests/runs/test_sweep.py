"""A sweep by the real program: its table, going on after a kill, matched sizes, mistakes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn import build, config
from charrnn.errors import CharrnnError
from charrnn.runs.sweep.file import load_sweep
from charrnn.runs.sweep.plan import Point, largest_hidden_size, plan, with_hidden_size
from charrnn.runs.sweep.results import Row, groups
from tests.conftest import ROOT, Hold, wait_for

BASE = """
base:
  data: {text: text.txt}
  model: {num_layers: 1, hidden_size: 4}
  bptt: {k1: 8}
  train: {steps: 6, batch_size: 4, sample_length: 0}
"""
TIMES = ("seconds", "chars_per_second")


@pytest.fixture
def sweep(charrnn, text_file, tmp_path):
    """Run a sweep of BASE and more; the file stays for the next call, which may change it."""

    def run(more=None, *options, base=BASE):
        if more is not None:
            (tmp_path / "s.yaml").write_text(base + more)
        return charrnn("sweep", "s.yaml", *options)

    return run


def table_of(folder: Path):
    return json.loads((folder / "table.json").read_text())


def without_times(table):
    return [{k: v for k, v in point.items() if k not in TIMES} for point in table["points"]]


def test_a_grid_becomes_ordinary_runs_and_a_table(sweep, charrnn, tmp_path):
    grid = "grid: {model.cell: [rnn, lstm], train.seed: [1, 2]}\nparameters: 900\n"
    done = sweep(grid, "--format", "json")
    assert done.returncode == 0, done.stderr
    values = json.loads(done.stdout)
    folder = tmp_path / "runs" / "s"
    assert table_of(folder) == {key: values[key] for key in ("points", "groups")}
    assert {p["name"] for p in values["points"]} == {
        f"{cell}-seed={seed}" for cell in ("rnn", "lstm") for seed in (1, 2)
    }
    losses = {}
    for point in values["points"]:
        assert point["parameters"] <= 900
        losses.setdefault(point["cell"], []).append(point["best_val_loss"])
    means = {group["cell"]: group for group in values["groups"]}
    for cell, (a, b) in losses.items():
        assert means[cell]["mean"] == pytest.approx((a + b) / 2, rel=1e-12)
        assert means[cell]["std"] == pytest.approx(abs(a - b) / 2**0.5, rel=1e-9)
        assert means[cell]["range"] == [min(a, b), max(a, b)]
    assert "of at most 900 parameters" in done.stderr
    lines = (folder / "table.tsv").read_text().splitlines()
    assert len(lines) == 5
    assert len({line.count("\t") for line in lines}) == 1
    alone = charrnn("train", folder / "points" / "rnn-seed=2.yaml", "--format", "json", "-q")
    [same] = [p for p in values["points"] if p["name"] == "rnn-seed=2"]
    assert json.loads(alone.stdout)["val_loss"] == same["val_loss"]
    shown = charrnn("eval", folder / "rnn-seed=2", "--format", "json")
    assert json.loads(shown.stdout)["nats_per_char"] == pytest.approx(same["best_val_loss"])


def test_killed_in_the_middle_it_goes_on_to_the_same_table(sweep, text_file, tmp_path, hold):
    held = hold(100)
    process, folder = _begun(tmp_path, held, 200, jobs=1)
    wait_for(held.count, process)
    process.send_signal(signal.SIGINT)
    held.release()
    _, said = process.communicate()
    assert process.returncode == 130, said
    assert "run the same sweep again to continue" in said
    left = [point for point in table_of(folder)["points"] if point["status"] == "waiting"]
    assert left
    assert sweep().returncode == 0
    stamps = {path: path.stat().st_mtime_ns for path in folder.glob("*/checkpoints/*")}
    again = sweep()
    assert "2 points, 0 to train" in again.stderr
    assert stamps == {path: path.stat().st_mtime_ns for path in folder.glob("*/checkpoints/*")}
    whole = sweep(None, "--out", "whole")
    assert whole.returncode == 0
    assert without_times(table_of(folder)) == without_times(table_of(tmp_path / "whole"))
    for path in (tmp_path / "whole").glob("*/checkpoints/best.safetensors"):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path / "whole")).read_bytes()


def _trainings(folder: Path) -> list[int]:
    """The processes that train points of a folder, by the locks that they hold."""
    held = {str(path.resolve()) for path in (folder / "points").glob("*.lock")}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            if "child" in (process / "cmdline").read_text() and held & _open_files(process):
                found.append(int(process.name))
    return found


def _open_files(process: Path) -> set[str]:
    found = set()
    for descriptor in (process / "fd").iterdir():
        with contextlib.suppress(OSError):  # it is closed
            found.add(os.readlink(descriptor))
    return found


def _begun(folder: Path, held: Hold, steps: int, *, jobs: int):
    """The process of a sweep of two points, which are held; and its folder."""
    base = BASE.replace("steps: 6", f"steps: {steps}, checkpoint_every: 50")
    (folder / "s.yaml").write_text(base + "grid: {model.cell: [rnn, gru]}\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "charrnn", "sweep", "s.yaml", "--jobs", str(jobs)],
        cwd=folder, env=held.environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return process, folder / "runs" / "s"


@pytest.fixture
def slow_sweep(tmp_path, text_file, hold):
    """A sweep in the middle of both its points, held where they save a second time."""
    held = hold(100)
    process, folder = _begun(tmp_path, held, 400, jobs=2)
    wait_for(lambda: held.count() == 2, process)
    yield process, folder, held
    held.release()
    process.kill()
    process.communicate()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_a_killed_sweep_takes_its_trainings_with_it_and_goes_on_at_once(slow_sweep, sweep):
    process, folder, held = slow_sweep
    assert len(_trainings(folder)) == 2
    process.kill()
    process.communicate()
    held.release()
    again = sweep()
    assert again.returncode == 0, again.stderr
    assert [point["status"] for point in table_of(folder)["points"]] == ["done", "done"]
    assert _trainings(folder) == []
    assert sweep(None, "--out", "whole").returncode == 0
    whole = folder.parent.parent / "whole"
    assert without_times(table_of(folder)) == without_times(table_of(whole))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_the_trainings_of_a_killed_sweep_save_and_end(slow_sweep):
    process, folder, held = slow_sweep
    process.kill()
    process.communicate()
    held.release()
    while _trainings(folder):  # of which each ends by itself
        time.sleep(0.02)
    for run in ("rnn", "gru"):
        assert (folder / run / "checkpoints" / "step-000000100.safetensors").exists()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_a_training_that_the_kernel_kills_has_failed(slow_sweep, sweep):
    process, folder, held = slow_sweep
    os.kill(_trainings(folder)[0], signal.SIGKILL)
    held.release()
    _, said = process.communicate()
    assert process.returncode == 1, said
    assert "interrupted" not in said
    assert "killed by SIGKILL, as the system does where memory is short" in said
    assert sorted(point["status"] for point in table_of(folder)["points"]) == ["done", "failed"]
    assert sweep().returncode == 0
    assert [point["status"] for point in table_of(folder)["points"]] == ["done", "done"]


@pytest.mark.skipif(sys.platform == "win32", reason="no advisory locks there")
def test_a_point_that_somebody_trains_by_hand_is_waited_for(sweep, tmp_path):
    import fcntl

    grid = "grid: {model.cell: [rnn, gru]}\n"
    assert sweep(grid, "--steps", "0").returncode == 0
    folder = tmp_path / "runs" / "s"
    shutil.rmtree(folder / "points")
    (folder / "points").mkdir()
    with open(folder / "rnn" / ".lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(
            [sys.executable, "-m", "charrnn", "sweep", "s.yaml"], cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for((folder / "points" / "gru.json").exists, process)
        assert process.poll() is None
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert said.count("notice: rnn is trained by another process: waiting for it") == 1


def test_a_point_that_diverges_is_marked_and_stops_no_other(sweep, tmp_path):
    variants = (
        "variants:\n  wild: {optim.name: sgd, optim.learning_rate: 1e30, model.cell: rnn, "
        "model.activation: relu}\n  tame: {}\n"
    )
    done = sweep(variants)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("tame")
    assert "1 diverged" in done.stdout.splitlines()[2]
    assert "wild  diverged: " in done.stderr
    assert "2 points, 0 to train" in sweep().stderr
    [wild] = [p for p in table_of(tmp_path / "runs" / "s")["points"] if p["variant"] == "wild"]
    assert (wild["status"], wild["best_val_loss"]) == ("diverged", None)


def test_a_point_that_fails_is_an_error_at_the_end_and_tried_again(sweep, tmp_path):
    (tmp_path / "runs" / "s" / "points").mkdir(parents=True)
    blocked = tmp_path / "runs" / "s" / "rnn"
    blocked.write_text("in the way")
    done = sweep("grid: {model.cell: [rnn, lstm]}\n")
    assert done.returncode == 1
    assert "1 of 2 points failed, rnn for one" in done.stderr
    assert "Traceback" not in done.stderr
    assert "1 failed" in done.stdout
    blocked.unlink()
    again = sweep()
    assert again.returncode == 0, again.stderr
    assert "2 points, 1 to train" in again.stderr


def test_a_changed_file_is_told_and_what_still_fits_is_kept(sweep, tmp_path):
    assert sweep("grid: {train.seed: [1, 2]}\n").returncode == 0
    folder = tmp_path / "runs" / "s"
    before = (folder / "seed=1" / "metrics.jsonl").read_bytes()
    more = sweep("grid: {train.seed: [1, 3]}\n")
    assert "2 points, 1 to train" in more.stderr
    assert "1 points here are not in the sweep, and left out of the table: seed=2" in more.stderr
    changed = BASE.replace("steps: 6", "steps: 7")
    refused = sweep("grid: {train.seed: [1, 3]}\n", base=changed)
    assert refused.returncode == 2
    assert "train.steps: 6 → 7 (seed=1, seed=3)" in refused.stderr
    assert (folder / "seed=1" / "metrics.jsonl").read_bytes() == before
    anew = sweep(None, "--accept-changes")
    assert anew.returncode == 0, anew.stderr
    assert (folder / "seed=1.before-1" / "metrics.jsonl").read_bytes() == before
    assert [point["step"] for point in table_of(folder)["points"]] == [7, 7]


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ("gird: {train.seed: [1]}\n", 2, ["s.yaml:7: unknown key `gird`; did you mean `grid`?"]),
        ("grid:\n  model.sell: [rnn]\n", 2, ["s.yaml:8: unknown key `model.sell`", "`model.cell`"]),
        ("grid:\n  train.seed: 3\n", 2, ["s.yaml:8: grid.train.seed: a list of values"]),
        ("grid: {train.seed: [1, 1]}\n", 2, ["s.yaml:7: grid.train.seed has 1 twice"]),
        (
            "grid: {model.cell: [rnn, gruu], model.hidden_size: [0]}\n", 2,
            ["'gruu' is not one of rnn, lstm, gru", "model.hidden_size"],
        ),
        ("parameters: -3\ngrid: {train.seed: [1]}\n", 2, ["s.yaml:7: parameters: a number"]),
        ("parameters: 20\ngrid: {train.seed: [1]}\n", 2, ["20 parameters are too few"]),
        ("parameters: 900\ngrid: {model.hidden_size: [4]}\n", 2, ["give one of them"]),
        ("variants: {a: {model.cell: rnn}}\ngrid: {model.cell: [rnn]}\n", 2, ["and in a variant"]),
        ("", 2, ["nothing varies"]),
        ("grid: {data.text: [missing.txt]}\n", 3, ["missing.txt"]),
        ("grid: {data.text: ['-']}\n", 2, ["name a file, not -"]),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_lines(tmp_path, text_file, monkeypatch, more, code, said):
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(BASE + more)
    with pytest.raises(CharrnnError) as caught:
        plan(load_sweep(Path("s.yaml")))
    assert caught.value.exit_code == code
    for part in said:
        assert part in str(caught.value)


def test_mistakes_are_told_before_anything_runs(sweep, tmp_path):
    refused = sweep("grid: {train.seed: [1, 2], model.cell: [rnn, gruu]}\n")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: s.yaml:7: model.cell: 'gruu' is not one of")
    assert not (tmp_path / "runs").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    foreign = sweep("grid: {train.seed: [1, 2]}\n", "--out", "other")
    assert foreign.returncode == 2
    assert "is not the folder of a sweep" in foreign.stderr
    varied = sweep(None, "--set", "train.seed=4")
    assert varied.returncode == 2
    assert "the sweep varies train.seed" in varied.stderr


def test_a_base_file_is_found_beside_the_sweep(charrnn, text_file, tmp_path):
    folder = tmp_path / "sub"
    folder.mkdir()
    (folder / "base.yaml").write_text("train: {steps: 0}\ndata: {text: text.txt}\n")
    (folder / "s.yaml").write_text("base: base.yaml\ngrid: {model.num_layers: [1]}\n")
    done = charrnn("sweep", "sub/s.yaml", "--set", "model.hidden_size=3", "--out", "here")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here" / "num_layers=1" / "checkpoints").is_dir()


CELLS = st.sampled_from(
    [["model.cell=rnn"], ["model.cell=gru"], ["model.cell=lstm", "model.peepholes=true"],
     ["model.cell=lstm", "model.bias=false"], ["model.cell=lstm", "model.coupled_gates=true"]]
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(cell=CELLS, layers=st.integers(1, 4), K=st.integers(1, 300), most=st.integers(1, 2_000_000))
def test_the_matched_size_is_the_largest_that_fits(cell, layers, K, most):
    base = config.load(None, [*cell, f"model.num_layers={layers}"])
    H = largest_hidden_size(base, K, most)

    def count(H):
        return build.parameter_count(with_hidden_size(base, H), K)

    assert H == 0 or count(H) <= most
    assert count(H + 1) > most


def test_the_ready_sweep_has_models_of_equal_size(monkeypatch):
    monkeypatch.chdir(ROOT)
    points = plan(load_sweep(Path("configs/sweeps/cells.yaml")))
    assert len({point.name for point in points}) == len(points) == 16
    assert all(0.97 < point.parameters / point.at_most <= 1 for point in points)


def test_points_of_one_size_or_another_are_groups_of_their_seeds():
    base = config.Config()

    def row(cell, seed, loss):
        named = {"model.cell": cell, "train.seed": seed}
        return Row(Point("", named, base, 10), "done", {"best_val_loss": loss})

    found = groups([row("gru", 1, 2.0), row("rnn", 1, 1.5), row("gru", 2, 1.4), row("rnn", 2, 1.7)])
    assert [(g.settings["model.cell"], g.mean) for g in found] == [("rnn", 1.6), ("gru", 1.7)]


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is not installed")
@pytest.mark.parametrize("sizes", [(10, 10), (10, 400)])
def test_the_figure_has_every_mean_and_seed(tmp_path, sizes):
    from charrnn.report.figures.curves import draw, figure_of

    results = [
        Row(Point("", {"model.cell": cell, "parameters": size, "train.seed": seed},
                  config.load(None, [f"model.cell={cell}"]), size), "done",
            {"best_val_loss": 1 + seed / 10 + size / 1000 + len(cell) / 100})
        for cell in ("rnn", "lstm") for size in set(sizes) for seed in (1, 2)
    ]  # fmt: skip
    [axis] = figure_of(results).axes
    drawn = [float(y) for line in axis.lines for y in line.get_ydata()]
    for group in groups(results):
        assert group.mean in drawn
        for loss in group.losses:
            assert loss in drawn
    draw(results, tmp_path / "s.png")
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(os.name != "posix", reason="links")
@pytest.mark.parametrize("name", ["points", "seed=1"])
def test_a_sweep_with_a_link_in_its_folder_writes_nothing(sweep, tmp_path, name):
    """Whoever made the folder would have charrnn write where the link leads."""
    (tmp_path / "out" / "points").mkdir(parents=True)
    outside = tmp_path / "outside"
    if name == "points":
        (tmp_path / "out" / "points").rmdir()
        outside.mkdir()
    (tmp_path / "out" / name).symlink_to(outside)
    done = sweep("grid: {train.seed: [1]}", "--out", "out")
    assert done.returncode == 4, done.stderr
    assert f"out/{name}: is a link" in done.stderr
    assert not outside.exists() or not any(outside.iterdir())


def test_a_base_of_too_long_a_name_is_no_file(sweep):
    done = sweep("grid: {train.seed: [1]}", base=f"base: {'y' * 20_000}\n")
    assert done.returncode == 2, done.stderr
    assert "no such configuration file: yyy" in done.stderr
    assert len(done.stderr) < 1000
