"""Commands, options and arguments that there are not, and what was meant by them."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from charrnn.api.loaded import as_symbols
from charrnn.cli.main import cli
from charrnn.cli.spelling import in_options
from charrnn.errors import UsageError
from tests.conftest import TEXT

SMALL = [
    "--set", "model.hidden_size=6", "--set", "model.num_layers=1", "--set", "train.batch_size=4",
    "--steps", 2, "-q",
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trian"], "Did you mean `train`?"),
        (["generate"], "Did you mean `sample`?"),
        (["evaluate", "run"], "Did you mean `eval`?"),
        (["nonsense-of-its-own"], "Commands: train, sweep"),
        (["my texts.txt"], "To train with it: charrnn train --text 'my texts.txt'"),
        (["my.yaml"], "To train with it: charrnn train my.yaml"),
        (["train", "--epoch", 2], "--epochs"),
        (["train", "--lr", 0.1], "--set optim.learning_rate=VALUE"),
        (["train", "--hidden-size=5"], "--set model.hidden_size=VALUE"),
        (["gradcheck", "--batch_size", 4], "--set train.batch_size=VALUE"),
        (["train", "--max-steps", 4], "--steps"),
        (["sample", "run", "--max-length", 4], "--length"),
        (["train", "--text", "a.txt", "b.txt", "c.txt"], "quotes, --text '*.txt', or repeat"),
        (["train", "a.txt", "b.txt"], "quotes, --text '*.txt', or repeat --text"),
        (["train", "--text", "a.txt", "my texts.txt"], "on several: --text '*.txt'"),
        (["eval", "run", "--text", "a.txt", "b.txt"], "--text '*.txt'"),
        (["sample", "run", "--prime", "once", "upon", "a"], "put a text with spaces in quotes"),
    ],
)
def test_what_was_meant_is_said(charrnn, tmp_path, words, said) -> None:
    (tmp_path / "my texts.txt").write_text("A text: one, two: three\n")
    (tmp_path / "my.yaml").write_text("")
    done = charrnn(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def run(charrnn, tmp_path):
    (tmp_path / "t.txt").write_text(TEXT)
    done = charrnn("train", "--text", "t.txt", "--out", "runs/a", *SMALL)
    assert done.returncode == 0, done.stderr
    return "runs/a"


def test_stop_reads_escapes_and_says_what_never_stops(charrnn, run) -> None:
    def sample(*stops: str):
        options = [word for stop in stops for word in ("--stop", stop)]
        return charrnn("sample", run, "--length", 300, "--seed", 1, *options)

    whole = sample()
    assert "\n" in whole.stdout
    assert sample("\\n").stdout == whole.stdout.partition("\n")[0]
    unknown = sample("<é>")
    assert unknown.stdout == whole.stdout
    assert "notice: --stop '<é>' never ends a sample" in unknown.stderr
    assert "'é' (U+00E9)" in unknown.stderr
    assert sample("e").stderr == ""
    assert as_symbols("é", "byte") == "Ã©"


def test_a_coloured_text_takes_no_options_of_rows(run, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for shown in (["--heat"], ["--html", "page.html"]):
        score = ["score", "runs/a", "t.txt", *shown]
        assert CliRunner().invoke(cli, score).exit_code == 0
        for more in (["--per", "file"], ["--format", "jsonl"], ["--with", "runs/a"]):
            done = CliRunner().invoke(cli, [*score, *more])
            assert isinstance(done.exception, UsageError)
            said = f"{more[0]} is for rows, and {shown[0]} shows the text instead"
            assert said in in_options(done.exception.message)


def test_a_folder_of_runs_says_so_and_is_reported(charrnn, run, tmp_path) -> None:
    charrnn("train", "--text", "t.txt", "--out", "runs/b", *SMALL, "--set", "model.hidden_size=9")
    for command in (["sample"], ["eval"], ["inspect"], ["train", "--resume"]):
        done = charrnn(*command, "runs")
        assert done.returncode == 4
        assert "runs: is a folder of runs, not a run" in done.stderr
        assert "name one: runs/a, runs/b" in done.stderr
    done = charrnn("report", "runs")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "runs/report.html\n"
    page = (tmp_path / "runs" / "report.html").read_text(encoding="utf-8")
    assert '"a"' in page
    assert '"b"' in page
