"""Checkpoints of older formats: read, sampled from and gone on with, today.

`frozen/format-1` was written by the version that wrote format 1: a run of 6 steps, and the
checkpoint that the same version had after 12 (`later`). `format-1-dropout` and `format-2` are
runs with dropout, two threads and a `step` schedule, by the versions of their formats: `later`
after 30 steps.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from charrnn.errors import CheckpointError
from charrnn.storage.checkpoint import read, write
from charrnn.storage.metadata import FORMAT, STEPS, migrate

FROZEN = Path(__file__).parents[1] / "frozen"
OLD = FROZEN / "format-1" / "checkpoints" / "step-000000006.safetensors"


@pytest.fixture
def old_run(tmp_path):
    shutil.copytree(FROZEN / "format-1" / "checkpoints", tmp_path / "old" / "checkpoints")
    shutil.copy(FROZEN / "format-1" / "text.txt", tmp_path)
    return tmp_path / "old"


def stored_meta(path):
    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["charrnn"])


def test_there_is_a_step_and_a_frozen_file_for_every_older_format():
    assert sorted(STEPS) == list(range(1, FORMAT))
    for number in STEPS:
        for path in (FROZEN / f"format-{number}").rglob("*.safetensors"):
            assert stored_meta(path)["format"] == number


def test_what_was_stored_is_kept_and_what_is_new_is_neutral():
    before, after = stored_meta(OLD), read(OLD).meta.values
    kept = {key: value for key, value in before.items() if key not in ("sha256", "format")}
    new = {"format": FORMAT, "rate_scale": 1.0, "rollbacks": 0, "conventions": 1}
    assert after == {**kept, **new}


def test_a_run_keeps_the_conventions_of_the_format_it_was_begun_in():
    assert read(FROZEN / "format-2" / "later.safetensors").meta.values["conventions"] == 2


def test_migrating_changes_nothing_that_is_new_already(tmp_path):
    checkpoint = read(OLD)
    values = dict(checkpoint.meta.values)
    assert migrate(checkpoint.arrays, values) == (checkpoint.arrays, values)
    write(tmp_path / "new.safetensors", checkpoint)
    assert stored_meta(tmp_path / "new.safetensors")["format"] == FORMAT
    assert read(tmp_path / "new.safetensors").meta == checkpoint.meta


def test_an_old_run_is_sampled_from(charrnn, old_run):
    done = charrnn("sample", "old", "--length", 20, "--seed", 1)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) == 20


@pytest.mark.parametrize(
    ("name", "steps"), [("format-1", 12), ("format-1-dropout", 30), ("format-2", 30)]
)
def test_an_old_run_goes_on_as_its_own_version_did(charrnn, tmp_path, name, steps):
    """On through a stop: what is written on the way keeps the conventions too."""
    shutil.copytree(FROZEN / name / "checkpoints", tmp_path / "old" / "checkpoints")
    shutil.copy(FROZEN / name / "text.txt", tmp_path)
    for until in (steps - 3, steps):
        done = charrnn("train", "--resume", "old", "--steps", until)
        assert done.returncode == 0, done.stderr
    path = tmp_path / "old" / "checkpoints" / f"step-{steps:09}.safetensors"
    resumed, expected = read(path), read(FROZEN / name / "later.safetensors")
    assert resumed.meta.values["conventions"] == expected.meta.values["conventions"]
    assert resumed.meta.values["cursor"] == expected.meta.values["cursor"]
    assert resumed.meta.values["best"] == pytest.approx(expected.meta.values["best"], rel=1e-12)
    for name, array in expected.arrays.items():
        np.testing.assert_allclose(
            resumed.arrays[name], array, rtol=1e-10, atol=1e-14, err_msg=name
        )


@pytest.mark.parametrize("number", [str(FORMAT + 1), "7", "1" + "0" * 30])
def test_a_newer_format_says_so(tmp_path, number):
    raw = OLD.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    header = raw[8:start].replace(b'\\"format\\": 1', f'\\"format\\": {number}'.encode())
    path = tmp_path / "new.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + raw[start:])
    with pytest.raises(CheckpointError) as caught:
        read(path)
    assert f"newer charrnn (format {number}; this one reads up to {FORMAT})" in str(caught.value)
    assert "upgrade" in str(caught.value)
