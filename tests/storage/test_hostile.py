"""Files made to harm: a message and an exit code, whatever they hold. See scripts/fuzz.py too."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

from charrnn import build, config
from charrnn.errors import CheckpointError, ConfigError
from charrnn.runtime import memory
from charrnn.storage.checkpoint import read, read_meta
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
fuzzing = pytest.importorskip("fuzzing.runner", reason="needs Linux")

from fuzzing import checkpoints, hostile, sealing  # noqa: E402

FROZEN = Path(__file__).parents[1] / "frozen" / "format-1" / "later.safetensors"
LIMITS = fuzzing.Limits(seconds=20)


def frozen() -> sealing.Content:
    """A checkpoint of today's format, to be changed."""
    content = sealing.parse(FROZEN.read_bytes())
    content.meta.update(format=3, rate_scale=1.0, rollbacks=0, conventions=1)
    return content


def refused(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(CheckpointError) as caught:
        build.restore_network(read(path), "it")
    return str(caught.value)


def test_fuzz():
    """Some hostile files of every kind; see scripts/fuzz.py to run many more."""
    script = [sys.executable, str(ROOT / "scripts" / "fuzz.py"), "--seconds", "20"]
    counts = ["--checkpoints", "40", "--mixtures", "15", "--configs", "50", "--texts", "25"]
    done = subprocess.run([*script, *counts], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")][1:]
    for label in ("inspect", "sample", "eval", "init", "resume", "config", "train"):
        counted = [row[3] for row in rows if row[1] == label]
        assert counted, label
        assert all(re.search(r"\b0: [1-9]", codes) for codes in counted), f"{label}: none got by"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (KeyError("x"), "no CharrnnError"),
        (RecursionError(), "no CharrnnError"),
        (SystemExit(7), "exit code 7"),
        (CheckpointError("x"), "no CharrnnError"),
        (fuzzing.Hang(), "CPU time"),
    ],
)
def test_the_fuzzer_notices_faults(fault, expected, monkeypatch):
    def main():
        raise fault

    monkeypatch.setattr("charrnn.cli.main.main", main)
    outcome = fuzzing.run(fuzzing.Command("x", [], {0, 4}), LIMITS)
    assert expected in outcome.problem


def test_the_fuzzer_notices_loops_and_growth(monkeypatch):
    def loop():
        while True:
            pass

    command = fuzzing.Command("x", [], {0})
    monkeypatch.setattr("charrnn.cli.main.main", loop)
    assert "CPU time" in fuzzing.run(command, fuzzing.Limits(seconds=0.1)).problem
    monkeypatch.setattr("charrnn.cli.main.main", lambda: np.ones(2**27))
    assert "grew" in fuzzing.run(command, LIMITS).problem


def test_what_the_fuzzer_seals_is_believed(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(sealing.sealed(frozen()))
    assert read(path).meta == read(FROZEN).meta
    build.restore_network(read(path), "it")


META = {
    "step": (-1, 1.0, 2**60, "1", None, True),
    "cursor": ([0], [0, -1], [0.0, 0], "ab", [[0], 0], {"0": 0}),
    "vocabulary": ([], {"unit": "char"}, {"unit": "word", "symbols": ["a"]}),
    "vocabulary.symbols": ([], ["a", "a"], ["ab"], [""], [1], "abc", {"a": 1}),
    "config": ([], None, 5, "model"),
    "means": ([], [[0.0, 0.0]] * 2, [[0.0, -1.0]] * 3, [[0.0]] * 3),
    "best": (1.0, [1.0], [1.0, -1], ["a", 1]),
    "schedule": (None, {"waited": -1}, {"scale": 0.0}, {"scale": "x"}),
    "optimiser_steps": (-1, 10**400, [1]),
    "rate_scale": (0.0, -1.0, 2.0, None),
    "rollbacks": (-1, 0.5),
    "conventions": (0, 99, None, "3", 2.0),
    "corpus_sha256": (None, 5, []),
    "final": (1, "yes"),
    "text_bytes": ([], {"a": "b"}),
    "format": (0, -1, True, "2", 1.0, None),
}


@pytest.mark.parametrize("field", META)
def test_metadata_of_the_wrong_kind(field, tmp_path):
    path = tuple(field.split("."))
    for value in META[field]:
        content = frozen()
        hostile.put(content.meta, path, value)
        said = refused(tmp_path / "a.safetensors", sealing.sealed(content))
        assert "is damaged" in said, value
        assert path[0] in said, said


@pytest.mark.parametrize("field", [f for f in META if f not in ("final", "text_bytes")])
def test_metadata_that_is_missing(field, tmp_path):
    content = frozen()
    hostile.remove(content.meta, tuple(field.split(".")))
    assert "is damaged" in refused(tmp_path / "a.safetensors", sealing.sealed(content))


@pytest.mark.parametrize(
    "literal",
    ["NaN", "-Infinity", "1e999", "1" * 5000, "[" * 40 + "]" * 40, "[" * 10**5, '{"a":1,"a":1}'],
)
def test_json_that_is_none(literal, tmp_path):
    content = frozen()
    content.meta["extra"], content.literal = sealing.PLACE, literal
    assert "is damaged" in refused(tmp_path / "a.safetensors", sealing.sealed(content))


@pytest.mark.parametrize(
    ("key", "value"),
    [("hidden_size", 10**6), ("num_layers", 10**4), ("cell", "gru")],
)
def test_a_configuration_that_is_not_the_one_of_the_arrays(key, value, tmp_path):
    content = frozen()
    content.meta["config"]["model"][key] = value
    assert "is damaged" in refused(tmp_path / "a.safetensors", sealing.sealed(content))


def test_a_configuration_of_a_newer_version(tmp_path):
    content = frozen()
    content.meta["config"]["model"]["attention"] = True
    said = refused(tmp_path / "a.safetensors", sealing.sealed(content))
    assert "unknown key `model.attention`" in said
    assert "read it with the charrnn that wrote it" in said


def test_a_configuration_that_is_a_bomb(tmp_path):
    content = frozen()
    content.meta["config"] = {f"k{n}": 1 for n in range(100_001)}
    assert "more than 100000 values" in refused(tmp_path / "a", sealing.sealed(content))
    content.meta["config"] = {f"k{n}": 1 for n in range(1000)}
    said = refused(tmp_path / "a", sealing.sealed(content))
    assert "and 950 more" in said
    assert len(said) < 10_000


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_parameters_that_are_not_finite(value, tmp_path, charrnn):
    content = frozen()
    content.arrays["layers.0.U"][1, 2] = value
    path = tmp_path / "a.safetensors"
    assert "layers.0.U holds numbers that are not finite" in refused(path, sealing.sealed(content))
    assert charrnn("sample", path).returncode == 4
    assert charrnn("inspect", path).returncode == 0


@pytest.mark.parametrize("kind", ["<f2", "<i4", "|b1"])
def test_arrays_of_another_kind(kind, tmp_path):
    content = frozen()
    content.arrays["output.V"] = content.arrays["output.V"].astype(kind)
    assert "not F32 or F64" in refused(tmp_path / "a", sealing.sealed(content))


def test_symbols_that_no_terminal_can_show(tmp_path, charrnn):
    content = frozen()
    content.meta["vocabulary"]["symbols"][3] = "\ud800"
    (tmp_path / "a.safetensors").write_bytes(sealing.sealed(content))
    done = charrnn("inspect", "a.safetensors")
    assert done.returncode == 0, done.stderr
    assert "\\ud800" in done.stdout


PROGRESS = {
    "cursor": ([0, 10**6], "its cursor is at window 1,000,000"),
    "schedule": ({}, "its schedule has no scale, waited"),
}


@pytest.mark.parametrize("field", PROGRESS)
def test_progress_that_is_not_the_one_of_the_text(field, tmp_path, charrnn):
    content = frozen()
    content.meta[field], expected = PROGRESS[field]
    assert expected in resume(tmp_path, content, charrnn)


@pytest.mark.parametrize("name", ["state", "optim.m", "optim.v", "output.V"])
def test_a_run_with_arrays_that_do_not_fit(name, tmp_path, charrnn):
    for change in (None, np.zeros(0), np.zeros((1, 2, 3, 4, 5)), "nan"):
        content = frozen()
        if change is None:
            del content.arrays[name]
        elif isinstance(change, str):
            content.arrays[name].reshape(-1)[0] = np.nan
        else:
            content.arrays[name] = change
        expected = "it has no" if change is None else f"its {name}"
        assert expected in resume(tmp_path, content, charrnn)


def resume(folder: Path, content: sealing.Content, charrnn) -> str:
    """What is said when a run is to go on from this; its exit code is 4."""
    (folder / "run" / "checkpoints").mkdir(parents=True, exist_ok=True)
    (folder / "text.txt").write_bytes((FROZEN.parent / "text.txt").read_bytes())
    path = folder / "run" / "checkpoints" / "step-000000012.safetensors"
    path.write_bytes(sealing.sealed(content))
    done = charrnn("train", "--resume", "run", "--steps", 14)
    assert done.returncode == 4, done.stderr
    return done.stderr


def test_a_model_larger_than_the_machine_is_refused_before_it_is_made(text_file, tmp_path, charrnn):
    for item in ("model.hidden_size=1000000", "model.hidden_size=999999999999"):
        done = charrnn("train", "--text", text_file, "--set", item, "--steps", 0)
        assert done.returncode == 2, done.stderr
        assert re.search(r"the model needs .* GiB, and this machine has [\d.]+ GiB", done.stderr)


def test_a_tape_larger_than_the_machine_is_refused(monkeypatch, text_file):
    from charrnn.data.corpus import load_corpus

    settings = config.load(None, [f"data.text={text_file}", "model.hidden_size=64"])
    corpus = load_corpus(settings.data)
    build.trainer(settings, corpus)
    monkeypatch.setattr(memory, "total", lambda: 2**20)
    with pytest.raises(ConfigError, match="training needs"):
        build.trainer(settings, corpus)


def test_parameters_are_counted_as_they_are_made():
    for sets in ([], ["model.cell=gru"], ["model.cell=rnn", "model.bias=false"],
                 ["model.peepholes=true", "model.coupled_gates=true"]):  # fmt: skip
        for layers in (1, 2, 5):
            settings = config.load(
                None, [*sets, f"model.num_layers={layers}", "model.hidden_size=7"]
            )
            net = build.network(settings, 11)
            assert build.parameter_count(settings, 11) == net.params.flat.size
            assert dict(build.parameter_shapes(settings, 11)) == net.params.shapes


def test_the_same_seed_makes_the_same_files():
    base = sealing.sealed(frozen())
    made = [checkpoints.hostile_checkpoint(Random(f"1:{n}"), base, base) for n in (5, 5, 6)]
    assert made[0] == made[1] != made[2]
    assert copy.deepcopy(frozen().meta) == frozen().meta


@pytest.mark.parametrize("metadata", ['"a text"', "5", "[1]", '{"charrnn": 5}'])
def test_a_head_whose_metadata_are_no_texts_is_damage(tmp_path, metadata):
    head = f'{{"__metadata__": {metadata}}}'.encode()
    path = tmp_path / "step-1.safetensors"
    path.write_bytes(len(head).to_bytes(8, "little") + head)
    with pytest.raises(CheckpointError, match="is damaged: its metadata"):
        read_meta(path)
