"""Checkpoints: what is read is what was written, or an error that says what is wrong."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from charrnn.errors import CheckpointError, Notice
from charrnn.runs.folder import RunFolder
from charrnn.storage.checkpoint import Checkpoint, read, to_bytes, write
from charrnn.storage.checkpoint_folder import CheckpointFolder, locate, read_from
from charrnn.storage.metadata import FORMAT, Metadata
from tests.helpers.checkpoints import META


def checkpoint(step=3, **meta):
    rng = np.random.default_rng(step)
    arrays = {
        "layers.0.W": rng.standard_normal((4, 6)).astype(np.float32),
        "state": np.ones((1, 2)),
    }
    return Checkpoint(arrays, Metadata.of({**META, "step": step, **meta}))


def test_round_trip(tmp_path):
    path = tmp_path / "a.safetensors"
    write(path, checkpoint())
    again = read(path)
    assert again.meta.values == {"format": FORMAT, "step": 3, **META}
    for name, array in checkpoint().arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)
        assert again.arrays[name].dtype == array.dtype
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_arrays_that_are_not_contiguous_are_stored_right(tmp_path):
    array = np.arange(12.0).reshape(3, 4)
    tricky = {"T": array.T, "strided": array[:, ::2], "reversed": array[::-1]}
    path = tmp_path / "a.safetensors"
    write(path, Checkpoint(tricky, checkpoint().meta))
    for name, expected in tricky.items():
        np.testing.assert_array_equal(read(path).arrays[name], expected)


def test_the_same_checkpoint_gives_the_same_bytes():
    assert to_bytes(checkpoint()) == to_bytes(checkpoint())


@pytest.mark.parametrize("where", [0.02, 0.3, 0.9, 0.999])
def test_any_flipped_byte_is_noticed(tmp_path, where):
    path = tmp_path / "a.safetensors"
    data = bytearray(to_bytes(checkpoint()))
    data[int(len(data) * where)] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError):
        read(path)


@pytest.mark.parametrize("cut", [0, 4, 100, -1])
def test_a_cut_file_is_noticed(tmp_path, cut):
    path = tmp_path / "a.safetensors"
    path.write_bytes(to_bytes(checkpoint())[:cut])
    with pytest.raises(CheckpointError, match=r"damaged|not a charrnn"):
        read(path)


def test_a_newer_format_says_so(tmp_path):
    path = tmp_path / "a.safetensors"
    now = f'\\"format\\": {FORMAT}'.encode()
    data = to_bytes(checkpoint()).replace(now, b'\\"format\\": 9')
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="format 9"):
        read(path)


def test_metadata_is_one_json_object(tmp_path):
    data = to_bytes(checkpoint())
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert list(header["__metadata__"]) == ["charrnn"]
    assert json.loads(header["__metadata__"]["charrnn"])["step"] == 3


def test_rotation_keeps_best_last_and_as_many_as_asked(tmp_path):
    folder = CheckpointFolder(tmp_path / "checkpoints", keep=1)
    for step in range(5):
        folder.save(checkpoint(step), is_best=step == 1)
    assert [path.name for path in folder.steps()] == [
        "step-000000003.safetensors", "step-000000004.safetensors",
    ]  # fmt: skip
    assert read(locate(tmp_path, "best")).meta.step == 1
    assert read(locate(tmp_path, "last")).meta.step == 4


def test_the_final_best_can_be_taken_back(tmp_path):
    folder = CheckpointFolder(tmp_path / "checkpoints")
    folder.save(checkpoint(1), is_best=True)
    folder.save_final_best(checkpoint(2))
    assert read(locate(tmp_path)).meta.step == 2
    folder.reopen(folder.steps()[-1], best_step=1)
    assert read(locate(tmp_path)).meta.step == 1


def test_what_is_not_there(tmp_path):
    with pytest.raises(CheckpointError, match="no such run"):
        locate(tmp_path / "nothing")
    with pytest.raises(CheckpointError, match="is not a run"):
        locate(tmp_path)


def test_a_damaged_newest_checkpoint_is_reported_and_the_one_before_used(tmp_path):
    folder = CheckpointFolder(tmp_path / "checkpoints")
    for step in (1, 2):
        folder.save(checkpoint(step), is_best=False)
    newest = folder.steps()[-1]
    newest.write_bytes(newest.read_bytes()[:-3])
    path, loaded, problems = folder.read_last()
    assert loaded.meta.step == 1
    assert path.name == "step-000000001.safetensors"
    assert "damaged" in problems[0]
    path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="no checkpoint of the run can be read"):
        folder.read_last()


def _cut(path):
    path.write_bytes(path.read_bytes()[:-3])


def _dangling(path):
    path.unlink()
    path.symlink_to("nowhere")


def _folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [_cut, _dangling, _folder])
def test_whatever_the_newest_name_is_it_is_passed_over(damage, tmp_path):
    folder = CheckpointFolder(tmp_path / "checkpoints")
    for step in (1, 2):
        folder.save(checkpoint(step), is_best=False)
    damage(folder.steps()[-1])
    assert folder.read_last()[1].meta.step == 1
    with pytest.warns(Notice, match="step-000000001.safetensors is read in its place"):
        assert read_from(tmp_path, "last")[1].meta.step == 1
    folder.steps()[0].write_bytes(b"")
    with pytest.raises(CheckpointError, match="is damaged"):
        read_from(tmp_path, "last")


def test_a_damaged_best_is_an_error_and_no_other_is_read_for_it(tmp_path):
    folder = CheckpointFolder(tmp_path / "checkpoints")
    folder.save(checkpoint(1), is_best=True)
    folder.save(checkpoint(2), is_best=False)
    best = locate(tmp_path, "best")
    best.write_bytes(best.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match=r"best\.safetensors: is damaged"):
        read_from(tmp_path, "best")
    assert read_from(tmp_path, "last")[1].meta.step == 2


def test_the_last_is_read_beside_a_trainer_that_rotates(tmp_path):
    folder = CheckpointFolder(tmp_path / "checkpoints", keep=0)
    folder.save(checkpoint(0), is_best=False)
    writer = threading.Thread(
        target=lambda: [folder.save(checkpoint(step), is_best=False) for step in range(1, 300)]
    )
    writer.start()
    seen = [0]
    while writer.is_alive():
        seen.append(read_from(tmp_path, "last")[1].meta.step)
    writer.join()
    assert seen == sorted(seen)
    assert read_from(tmp_path, "last")[1].meta.step == 299


def test_a_name_as_long_as_a_file_may_have(tmp_path):
    for letter in ("a", "é", "猫"):
        path = tmp_path / (letter * (255 // len(letter.encode())))
        write(path, checkpoint())
        assert read(path).meta.step == 3


def test_a_save_that_was_killed_half_way_is_mended(tmp_path):
    folder = CheckpointFolder(tmp_path / "checkpoints")
    folder.save(checkpoint(1), is_best=True)
    # Killed between the numbered file and the best: the first says that it is the best.
    folder.save(checkpoint(2), is_best=False)
    (folder.folder / ".step-000000003.safetensors.77.tmp").write_bytes(b"half")
    RunFolder(tmp_path).lock()
    folder.reopen(folder.steps()[-1], best_step=2)
    assert read(locate(tmp_path, "best")).meta.step == 2
    assert not list(folder.folder.glob(".*"))
