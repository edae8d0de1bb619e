"""TensorBoard's files say what metrics.jsonl says, and hide what a resume dropped."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import pytest

import charrnn
from charrnn.errors import Notice

SMALL = ["--set", "model.hidden_size=8", "--set", "train.batch_size=4", "--set", "bptt.k1=8",
         "--set", "train.eval_every=4", "--set", "train.log_every=2", "-q"]  # fmt: skip


def records(path):
    """A TFRecord file: length, its checksum, the record, its checksum."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        yield data[at + 12 : at + 12 + length]
        at += length + 16


def scalars(run):
    from tensorboardX.proto.event_pb2 import Event

    found: dict[str, dict[int, float]] = {}
    for path in sorted((run / "tensorboard").iterdir(), key=lambda path: path.stat().st_mtime_ns):
        for record in records(path):
            event = Event.FromString(record)
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def test_the_files_hold_the_metrics(charrnn, text_file, tmp_path):
    pytest.importorskip("tensorboardX", reason="the extra tensorboard is not installed")
    run = tmp_path / "run"
    begun = charrnn("train", "--text", text_file, "--out", run, "--steps", "8", "--tensorboard",
                    *SMALL)  # fmt: skip
    assert begun.returncode == 0, begun.stderr
    assert charrnn("train", "--resume", run, "--steps", "14", "--tensorboard", "-q").returncode == 0
    found = scalars(run)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) >= 7
    for line in lines:
        if line["grad_norm"] is not None:
            assert found["loss_nats/train"][line["step"]] == pytest.approx(line["train_loss"])
        if "val_loss" in line:
            assert found["loss_nats/validation"][line["step"]] == pytest.approx(line["val_loss"])


def test_without_the_extra_the_error_says_how_to_get_it(text_file, tmp_path, monkeypatch):
    from charrnn.errors import MissingExtraError
    from charrnn.report.tensorboard import TensorBoard

    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingExtraError, match="tensorboardX"):
        TensorBoard(tmp_path, 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk here")
def test_a_full_disk_ends_no_training(text_file, tmp_path, monkeypatch):
    events = pytest.importorskip("tensorboardX.event_file_writer")
    record_writer = events.RecordWriter
    monkeypatch.setattr(events, "RecordWriter", lambda _: record_writer("/dev/full"))
    settings = {"model.hidden_size": 4, "train.batch_size": 4, "train.log_every": 1}
    with pytest.warns(Notice, match="takes no more, and is left as it is: No space left"):
        run = charrnn.train(
            files=text_file, settings=settings, steps=30, out=tmp_path / "r", tensorboard=True,
            progress=False,
        )  # fmt: skip
    assert run.summary["step"] == 30
