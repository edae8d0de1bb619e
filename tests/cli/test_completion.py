"""Shells and editors complete what there is; the package is cited by its version."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.resources import files

import pytest
import yaml

import charrnn
from charrnn.cli.main import COMMANDS
from charrnn.config.explain import known_keys
from tests.conftest import ROOT

MAIN = "import sys; sys.argv[0] = 'charrnn'; from charrnn.cli.main import main; "


def complete(*words, shell="fish", check=""):
    """What a shell is offered for the last of the words."""
    done = subprocess.run(
        [sys.executable, "-c", f"{MAIN}\ntry:\n    main()\nfinally:\n    {check or 'pass'}"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "_CHARRNN_COMPLETE": f"{shell}_complete",
             "COMP_WORDS": " ".join(["charrnn", *words]), "COMP_CWORD": words[-1]},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [line.split("\t")[0].partition(",")[2] for line in done.stdout.splitlines() if line]


def test_commands_are_completed_without_numpy():
    assert complete("", check="assert 'numpy' not in sys.modules") == list(COMMANDS)
    assert complete("sc") == ["score"]


def test_options_and_their_choices():
    assert complete("sample", "--temp") == ["--temperature"]
    assert complete("sample", "--checkpoint", "l") == ["last"]


def test_keys_and_their_values():
    assert complete("train", "--set", "model.hid") == ["model.hidden_size="]
    assert complete("train", "--set", "") == [f"{key}=" for key in sorted(known_keys())]
    assert complete("train", "--set", "model.cell=") == [
        "model.cell=rnn", "model.cell=lstm", "model.cell=gru"
    ]  # fmt: skip
    assert complete("train", "--set", "model.peepholes=t") == ["model.peepholes=true"]
    assert complete("train", "--set", "train.eval_every=") == ["train.eval_every=epoch"]
    assert complete("train", "--set", "no.such=") == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
@pytest.mark.parametrize(
    ("words", "offered"),
    [  # bash hands over `--set model.cell=r` as four words
        (["train", "--set", "model.cell", "=", "r"], ["rnn"]),
        (["train", "--set", "model.cell", "="], ["rnn", "lstm", "gru"]),
        (["train", "--set", "model.hid"], ["compopt -o nospace", "model.hidden_size="]),
        (["train", "--set", "model.cell", "=", "rnn", "--qui"], ["--quiet"]),
    ],
)
def test_bash_itself(words, offered, tmp_path):
    program = tmp_path / "charrnn"
    program.write_text(f"#!{sys.executable}\n{MAIN}main()\n")
    program.chmod(0o755)
    quoted = " ".join(f"'{word}'" for word in ["charrnn", *words])
    script = (
        'compopt() { echo compopt "$@"; }\n'
        f'eval "$({program} completion bash)"\n'
        f"COMP_WORDS=({quoted}) COMP_CWORD={len(words)}\n"
        f"_charrnn_completion {program}\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "--norc"], input=script, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:-1] == offered, done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_takes_the_script(charrnn, shell):
    done = charrnn("completion", shell)
    assert done.returncode == 0
    assert "_CHARRNN_COMPLETE" in done.stdout
    if shutil.which(shell):
        flag = "--no-execute" if shell == "fish" else "-n"
        subprocess.run([shell, flag], input=done.stdout, text=True, check=True)


def test_the_schema_comes_with_the_package(charrnn, tmp_path):
    shipped = (files("charrnn") / "config" / "schema.json").read_text(encoding="utf-8")
    assert charrnn("config", "schema").stdout == shipped
    assert charrnn("config", "schema", "--out", "s.json").returncode == 0
    assert (tmp_path / "s.json").read_text(encoding="utf-8") == shipped
    assert charrnn("config", "schema", "--out", "no/s.json").returncode == 4
    text = json.loads(shipped)["$defs"]["DataConfig"]["properties"]["text"]
    assert [kind["type"] for kind in text["anyOf"]] == ["string", "array"]
    truncation = json.loads(shipped)["$defs"]["BpttConfig"]["properties"]["cell_truncation"]
    assert truncation["enum"] == ["none", "1997", 1997]  # YAML reads a bare 1997 as a number


def test_the_citation_has_what_the_format_asks_for():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert (cited["version"], cited["license"]) == (charrnn.__version__, "MIT")
    assert cited["authors"] == [{"name": "The charrnn authors"}]
