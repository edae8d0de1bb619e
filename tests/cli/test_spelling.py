"""References to arguments, as the command line spells them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from charrnn.__main__ import main
from charrnn.cli.spelling import in_options
from charrnn.errors import argument, call, settings


@pytest.mark.parametrize(
    ("reference", "typed"),
    [
        (argument("top_k"), "--top-k"),
        (argument("files"), "--text"),
        (argument("accept_changes"), "--accept-changes"),
        (argument("accept_changes", True), "--accept-changes"),
        (argument("init_from", "my runs/a"), "--init-from 'my runs/a'"),
        (argument("steps", 5), "--steps 5"),
        (argument("dynamic", 0.1), "--dynamic 0.1"),
        (settings({"data.unit": "byte"}), "--set data.unit=byte"),
        (
            settings({"model.bias": False, "data.split": [0.9, 0.1, 0.0]}),
            "--set model.bias=false --set 'data.split=[0.9, 0.1, 0.0]'",
        ),
        (call("train", files="my.txt"), "charrnn train --text my.txt"),
        (
            call("resume", "runs/a", settings={"optim.learning_rate": 0.5}, accept_changes=True),
            "charrnn train --resume runs/a --set optim.learning_rate=0.5 --accept-changes",
        ),
    ],
)
def test_a_reference_is_spelled_as_it_would_be_typed(reference: str, typed: str) -> None:
    assert in_options(f"try {reference} or not") == f"try {typed} or not"


@pytest.mark.skipif(shutil.which("bash") is None, reason="a shell reads it")
@pytest.mark.parametrize(
    "name",
    [
        "\x1b[2J",
        "a\x9bb",
        "\u202e\u2066fdp",
        "\udcff\udc80",
        "it's\x07 a\\",
        "\r\n\tx\x7f7",
        "\u2028é字😀",
    ],
)
def test_a_name_with_controls_can_be_pasted_and_does_not_act(name: str) -> None:
    typed = in_options(call("sample", name)).removeprefix("charrnn sample ")
    assert typed.isprintable() or set(name) & set("\n\t")
    shown = subprocess.run(
        ["bash", "-c", f"printf %s {typed}"], stdout=subprocess.PIPE, check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert shown.stdout == os.fsencode(name)


@pytest.mark.parametrize(
    "words", [["sample", "--\x1b[2J"], ["train", "a", "\u202eb"], ["sample", "r", "--length=\x9b"],
              ["\x1b[2J"], ["train", "--text=\x1b[2J"], ["sweep", "\u202e"], ["config", "\x9b"]],
)  # fmt: skip
def test_a_mistake_is_shown_without_what_acts_on_a_terminal(words, capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["charrnn", *words])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().err
    assert said.replace("\n", "").isprintable(), ascii(said)
