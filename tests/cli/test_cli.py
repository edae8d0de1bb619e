"""The real program: help, exit codes, and one clear message for each mistake a user makes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from charrnn import config
from charrnn.cli.main import COMMANDS
from charrnn.storage.checkpoint import read
from charrnn.storage.checkpoint_folder import locate
from tests.conftest import ROOT
from tests.helpers.commands import fails

SMALL = [
    "--set", "model.hidden_size=8", "--set", "bptt.k1=8", "--set", "bptt.k2=8",
    "--set", "train.batch_size=4", "--steps", "5", "-q",
]  # fmt: skip


@pytest.fixture
def run_folder(charrnn, text_file, tmp_path) -> Path:
    done = charrnn("train", "--text", text_file, "--out", "run", *SMALL)
    assert done.returncode == 0, done.stderr
    return tmp_path / "run"


@pytest.mark.parametrize("words", [["--help"], ["config", "check"], ["config", "show"]])
def test_help_imports_no_numpy(words):
    code = "import sys; from charrnn.cli.main import cli; cli.main(sys.argv[1:], standalone_mode=False); sys.exit('numpy' in sys.modules)"  # noqa: E501
    assert subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, stdout=-3).returncode == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_purpose_and_an_example(charrnn, name):
    done = charrnn(name, "--help")
    assert done.returncode == 0
    assert "Example" in done.stdout
    assert f"charrnn {name}" in done.stdout
    assert COMMANDS[name] in charrnn("--help").stdout


def test_train_sample_eval_inspect_gradcheck(charrnn, run_folder):
    for file in ("config.yaml", "metrics.jsonl", "samples.txt"):
        assert (run_folder / file).stat().st_size
    config.load(run_folder / "config.yaml")
    sampled = charrnn("sample", "run", "--length", 20, "--prime", "The ", "--seed", 1)
    assert sampled.returncode == 0
    assert sampled.stdout.startswith("The ")
    assert len(sampled.stdout) == 24
    assert (
        sampled.stdout
        == charrnn(
            "sample", "run", "--length", 20, "--prime-file", "-", "--seed", 1, stdin="The "
        ).stdout
    )
    scored = json.loads(charrnn("eval", "run", "--format", "json").stdout)
    assert set(scored) == {
        "nats_per_char", "bits_per_char", "perplexity", "accuracy", "chars", "split", "protocol",
        "context", "interval", "used", "parts", "unit", "characters_of_text",
        "bits_per_character_of_text",
    }  # fmt: skip
    facts = json.loads(charrnn("inspect", "run", "--format", "json").stdout)
    assert facts["step"] == 5
    assert {"layers.0.W", "output.V"} <= {array["name"] for array in facts["arrays"]}
    assert "layers.1.U" in charrnn("inspect", "run").stdout
    proof = json.loads(charrnn("gradcheck", "run", "--format", "json").stdout)
    assert proof["ok"]
    assert proof["method"] == "complex-step"
    assert set(proof["parameters"][0]) == {
        "name", "size", "checked", "max_relative_error", "index", "analytic", "numeric",
    }  # fmt: skip


def test_count_and_stop(charrnn, run_folder):
    done = charrnn("sample", "run", "--count", 3, "--length", 200, "--stop", "e", "--seed", 2)
    assert "e" not in done.stdout
    assert done.stdout.count("\n") >= 3


def test_steps_0_writes_the_initial_model_and_nothing_more(charrnn, text_file, tmp_path):
    done = charrnn("train", "--text", text_file, "--out", "r", "--steps", 0, "--format", "json",
                   "--set=model.hidden_size=5")  # fmt: skip
    assert done.returncode == 0
    assert json.loads(done.stdout)["val_loss"] is None
    assert [p.name for p in (tmp_path / "r/checkpoints").iterdir()] == [
        "step-000000000.safetensors"
    ]
    assert charrnn("sample", "r", "--length", 5).returncode == 0


def test_init_from_keeps_model_and_vocabulary(charrnn, run_folder, tmp_path):
    (tmp_path / "new.txt").write_text("The lamp and the letter. " * 50)
    done = charrnn("train", "--text", "new.txt", "--init-from", "run", "--out", "fine",
                   "--steps", 2, "-q")  # fmt: skip
    assert done.returncode == 0, done.stderr
    one, two = (
        json.loads(charrnn("inspect", r, "--format", "json").stdout) for r in ("run", "fine")
    )
    assert one["vocabulary"] == two["vocabulary"]
    assert one["parameters"] == two["parameters"]


def test_init_from_learns_new_characters_and_keeps_the_old(charrnn, run_folder, tmp_path):
    (tmp_path / "new.txt").write_text("The café — naïve. " * 50)
    done = charrnn("train", "--text", "new.txt", "--init-from", "run", "--out", "fine",
                   "--steps", 0)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "'é' (U+00E9), 'ï' (U+00EF), '—' (U+2014)" in done.stderr
    old, new = (read(locate(tmp_path / name)) for name in ("run", "fine"))
    K = len(old.meta.values["vocabulary"]["symbols"])
    assert new.meta.values["vocabulary"]["symbols"][:K] == old.meta.values["vocabulary"]["symbols"]
    assert set("éï—") <= set(new.meta.values["vocabulary"]["symbols"][K:])
    np.testing.assert_array_equal(new.arrays["layers.0.W"][:K], old.arrays["layers.0.W"])
    np.testing.assert_array_equal(new.arrays["output.V"][:, :K], old.arrays["output.V"])
    np.testing.assert_array_equal(new.arrays["output.c"][:K], old.arrays["output.c"])
    np.testing.assert_array_equal(new.arrays["layers.1.U"], old.arrays["layers.1.U"])


def test_short_text_shrinks_the_batch_and_says_so(charrnn, tmp_path):
    (tmp_path / "short.txt").write_text("to be or not to be")
    done = charrnn("train", "--text", "short.txt", "--steps", 2)
    assert done.returncode == 0, done.stderr
    assert "the text is short: B = 1" in done.stderr


def test_resume_of_a_finished_run_says_so(charrnn, run_folder):
    before = (run_folder / "checkpoints" / "best.safetensors").read_bytes()
    done = charrnn("train", "--resume", "run")
    assert done.returncode == 0, done.stderr
    assert "the run is finished (5 steps)" in done.stderr
    assert (run_folder / "checkpoints" / "best.safetensors").read_bytes() == before


def test_resume_goes_on_and_says_when_it_cannot(charrnn, run_folder):
    fails(charrnn("train", "--resume", "run", "--set", "model.cell=gru"), 2, "--init-from")
    done = charrnn("train", "--resume", "run", "--steps", 9, "--format", "json", "-q")
    assert json.loads(done.stdout)["step"] == 9


def test_bytes(charrnn, tmp_path):
    (tmp_path / "b.bin").write_bytes(bytes(range(256)) * 8)
    done = charrnn("train", "--text", "b.bin", "--out", "r", "--set", "data.unit=byte", *SMALL)
    assert done.returncode == 0, done.stderr
    process = subprocess.run(
        [sys.executable, "-m", "charrnn", "sample", "r", "--length", "50", "--prime", "é"],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True,
    )  # fmt: skip
    assert len(process.stdout) == 52


def test_not_finite_options_are_refused(charrnn, run_folder):
    fails(charrnn("sample", "run", "--temperature", "nan"), 2, "finite")
    fails(charrnn("gradcheck", "--tolerance", "inf"), 2, "finite")


def test_a_text_for_a_config(charrnn, tmp_path):
    (tmp_path / "my.txt").write_text("BRUTUS: what: is: this\n")
    fails(charrnn("train", "my.txt"), 2, "to train on a text: charrnn train --text my.txt")


def test_init_from_with_another_model(charrnn, run_folder, text_file):
    done = charrnn("train", "--text", text_file, "--init-from", "run", "--set", "model.cell=gru")
    fails(done, 2, "another than the configuration's")


def test_resume_to_a_step_that_has_passed(charrnn, run_folder):
    fails(charrnn("train", "--resume", "run", "--steps", 2), 2, "at step 5 already")


# -- mistakes ---------------------------------------------------------------------------------


def test_typo_in_a_key(charrnn, tmp_path):
    (tmp_path / "my.yaml").write_text("model:\n  hiden_size: 3\n")
    fails(charrnn("train", "my.yaml"), 2, "my.yaml:2", "did you mean `model.hidden_size`?")
    fails(charrnn("config", "check", "my.yaml"), 2, "my.yaml:2")


def test_missing_config(charrnn):
    fails(charrnn("train", "no.yaml"), 2, "no.yaml", "configs/")


def test_missing_text(charrnn):
    fails(charrnn("train", "--text", "no.txt"), 3, "no.txt: no such file", "--text")
    fails(charrnn("train", "--text", "*.txt2"), 3, "no file matches")


def test_empty_text(charrnn, tmp_path):
    (tmp_path / "empty.txt").write_text("")
    fails(charrnn("train", "--text", "empty.txt"), 3, "empty.txt", "empty")


def test_folder_for_a_text(charrnn, tmp_path):
    (tmp_path / "books").mkdir()
    fails(charrnn("train", "--text", "books"), 3, "is a folder", "books/*.txt")


def test_wrong_encoding(charrnn, tmp_path):
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1") * 99)
    fails(charrnn("train", "--text", "latin.txt"), 3, "0xE9 at offset 0", "data.encoding")


def test_prime_that_the_vocabulary_lacks(charrnn, run_folder):
    fails(charrnn("sample", "run", "--prime", "Z\u00e9"), 3, "--prime", "'Z' (U+005A)", "'é'")
    assert charrnn("sample", "run", "--prime", "Zé", "--on-unknown", "skip").returncode == 0


def test_run_that_does_not_exist(charrnn):
    for command in ("sample", "eval", "inspect"):
        fails(charrnn(command, "runs/none"), 4, "runs/none: no such run or checkpoint")
    fails(charrnn("train", "--resume", "runs/none"), 4, "no such run")


def test_a_run_is_never_overwritten(charrnn, run_folder, text_file):
    before = (run_folder / "config.yaml").read_bytes()
    fails(charrnn("train", "--text", text_file, "--out", "run"), 2, "exists already", "--resume")
    assert (run_folder / "config.yaml").read_bytes() == before


def test_two_processes_in_one_run(charrnn, run_folder):
    import fcntl

    with open(run_folder / ".lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        fails(charrnn("train", "--resume", "run", "--steps", 9), 4, "another process", "wait")
    assert charrnn("train", "--resume", "run", "--steps", 9).returncode == 0


def test_a_file_that_is_no_checkpoint(charrnn, text_file):
    fails(charrnn("sample", text_file), 4, "is not a run's folder")
    text_file.rename(text_file.with_suffix(".safetensors"))
    fails(charrnn("sample", text_file.with_suffix(".safetensors")), 4, "damaged")


def test_split_that_is_not_there(charrnn, run_folder):
    fails(charrnn("eval", "run", "--split", "test"), 3, "no test part", "--split")


def test_unknown_command_and_option(charrnn):
    fails(charrnn("trian"), 2, "No such command", "Did you mean `train`?")
    fails(charrnn("zzz"), 2, "No such command", "gradcheck")
    fails(charrnn("train", "--stepps", "3"), 2, "No such option")


def test_divergence(charrnn, text_file):
    done = charrnn("train", "--text", text_file, "--set", "optim.learning_rate=1e38", "--set",
                   "optim.name=sgd", "--set", "optim.grad_clip=null", "--steps", 50)  # fmt: skip
    fails(done, 5, "diverged at step", "learning_rate")
    assert "RuntimeWarning" not in done.stderr


def test_gradcheck_fails_where_it_should(charrnn):
    fails(charrnn("gradcheck", "--tolerance", "1e-30"), 1, "differs by", "docs/derivations")


def test_closed_pipe_is_quiet(run_folder, tmp_path):
    command = f"{sys.executable} -m charrnn sample run --length 3000 | head -c 10"
    done = subprocess.run(
        ["bash", "-c", command + "; exit ${PIPESTATUS[0]}"], cwd=tmp_path, text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, capture_output=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_training_outlives_whoever_reads_its_progress(text_file, tmp_path):
    small = " ".join(SMALL[:-1]).replace("--steps 5", "--steps 400")
    command = (
        f"{sys.executable} -m charrnn train --text {text_file} --out r {small} 2>&1 >/dev/null"
    )
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -1; exit ${{PIPESTATUS[0]}}"], cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0
    assert read(locate(tmp_path / "r", "last")).meta.step == 400


def test_config_show_and_schema(charrnn, tmp_path):
    shown = charrnn("config", "show", "--set", "model.cell=gru").stdout
    (tmp_path / "again.yaml").write_text(shown)
    assert config.load(tmp_path / "again.yaml").model.cell == "gru"
    schema = json.loads(charrnn("config", "schema").stdout)
    sections = {"data", "model", "bptt", "optim", "train", "ngram", "runtime"}
    assert schema["properties"].keys() == sections
