"""A text in very many files: the run goes on, and what could not go on does not begin."""

from __future__ import annotations

import numpy as np
import pytest

from charrnn import config
from charrnn.config import document, loading
from charrnn.data.corpus import load_corpus
from charrnn.errors import ConfigError, DataError
from charrnn.runs import start as starting
from charrnn.runs.sweep.file import load_sweep
from tests.helpers.runs import finish, resume, start


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """10,100 files with names that are long together."""
    folder = tmp_path_factory.mktemp("many") / ("a-long-name-" * 5)
    folder.mkdir()
    for index in range(10_100):
        (folder / f"text-{index:06d}.txt").write_text(f"line {index % 7}\n")
    return folder


def test_a_run_over_many_files_goes_on(many, charrnn, tmp_path):
    run = tmp_path / "run"
    finish(start(many / "*.txt", run, ["train.sample_length=0"], steps=1))
    assert (run / "config.yaml").stat().st_size > 1_000_000
    assert finish(resume(run, steps=2)).trainer.step == 2
    for words in (["sample", "run", "--length", 5],
                  ["train", "--init-from", "run", "--text", many / "text-000001.txt", "-q",
                   "--steps", 0, "--set", "data.split=[1,0,0]"]):  # fmt: skip
        done = charrnn(*words)
        assert done.returncode == 0, done.stderr[-2000:]


def test_an_edited_file_that_names_many_is_read(many, tmp_path, monkeypatch):
    """In small: the file is longer, and of more values, than one that was not written by a run."""
    monkeypatch.setattr(loading, "SLOW", 1000)
    run = tmp_path / "run"
    finish(start(many / "text-0001??.txt", run, ["train.sample_length=0"], steps=1))
    monkeypatch.setattr(document, "MAX_NODES", 90)
    monkeypatch.setattr(document, "MAX_CHARACTERS", 3000)
    finish(resume(run, steps=2))
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace("log_every: 2", "log_every: 3"))
    launch = resume(run, steps=3)
    assert launch.config.train.log_every == 3
    assert len(launch.config.data.text) == 100
    launch.run.unlock()


def test_a_message_does_not_name_them_all(many):
    data = config.load(None, [], {"data.text": str(many / "*.txt")})
    whole = starting.with_absolute_texts(data)
    with pytest.raises(DataError, match="lacks") as caught:
        load_corpus(whole.data, load_corpus(config.load(None, [], {
            "data.text": str(many / "text-000001.txt"), "data.split": [1.0, 0.0, 0.0]}
        ).data).vocabulary)  # fmt: skip
    assert "and 10,092 more" in str(caught.value)
    assert len(str(caught.value)) < 3000


@pytest.mark.parametrize(("name", "value"), [("MAX_FILES", 10_099), ("MAX_NAMES", 100_000)])
def test_more_than_a_run_can_remember_is_refused_before_it_begins(
    many, tmp_path, monkeypatch, name, value
):
    monkeypatch.setattr(starting, name, value)
    with pytest.raises(DataError, match="10,100 files"):
        start(many / "*.txt", tmp_path / "run", [], steps=1)
    assert not (tmp_path / "run").exists()


def test_what_is_remembered_can_be_read_again():
    """The bounds of a stranger's checkpoint leave room for what a run may name."""
    names = tuple(f"/{'x' * 28}/{index:010d}" for index in range(starting.MAX_FILES))
    found = config.load(None, [])
    data = found.data.model_copy(update={"text": names})
    stored = found.model_copy(update={"data": data}).model_dump(mode="json")
    again = config.from_dict(stored, "it")
    assert again.data.text == names
    stored["data"]["text"] = [*names, *names]
    with pytest.raises(ConfigError, match="100000 values"):
        config.from_dict(stored, "it")


def test_a_run_s_own_file_is_read_where_it_is_named_as_a_configuration(many, tmp_path, monkeypatch):
    """In small: its list of texts is longer than anything else may be."""
    run = tmp_path / "run"
    finish(start(many / "text-0001??.txt", run, ["train.sample_length=0"], steps=1))
    monkeypatch.setattr(document, "MAX_NODES", 90)
    monkeypatch.setattr(document, "MAX_CHARACTERS", 3000)
    found = config.load(run / "config.yaml")
    assert len(found.data.text) == 100
    monkeypatch.setattr(document, "MAX_TEXTS", 99)
    with pytest.raises(ConfigError, match="more than 99 values"):
        config.load(run / "config.yaml")
    monkeypatch.setattr(document, "MAX_TEXT_CHARACTERS", 5000)
    with pytest.raises(ConfigError, match="larger than 3,000 characters"):
        config.load(run / "config.yaml")


def test_so_is_a_sweep_s_base(tmp_path, monkeypatch):
    monkeypatch.setattr(document, "MAX_NODES", 90)
    listed = "".join(f"    - {n}.txt\n" for n in range(100))
    grid = "grid:\n  model.hidden_size: [8, 16]\n"
    (tmp_path / "s.yaml").write_text(f"base:\n  data:\n    text:\n{listed}{grid}")
    assert len(load_sweep(tmp_path / "s.yaml").base[0]["data"]["text"]) == 100
    (tmp_path / "s.yaml").write_text(f"base:\n  model:\n    text:\n{listed}{grid}")
    with pytest.raises(ConfigError, match="more than 90 values"):
        load_sweep(tmp_path / "s.yaml")


@pytest.mark.parametrize("lines", [
    "data:\n  split: [{list}]", "model:\n  text: [{list}]", "data: &d\n  text: [{list}]\ntrain: *d",
    "data:\n  text:\n  - [{list}]", "a: &a [{list}]\ndata:\n  text: [*a]",
])  # fmt: skip
def test_nothing_else_in_a_configuration_may_be_as_long(tmp_path, lines):
    listed = ", ".join("x" for _ in range(10_100))
    (tmp_path / "c.yaml").write_text(lines.format(list=listed))
    with pytest.raises(ConfigError, match="more than 10000 values"):
        config.load(tmp_path / "c.yaml")


def test_ids_do_not_depend_on_the_number_of_files(many, tmp_path):
    whole = tmp_path / "whole.txt"
    whole.write_bytes(b"".join(path.read_bytes() for path in sorted(many.glob("*.txt"))))
    one, other = (
        load_corpus(config.load(None, [], {"data.text": str(path)}).data)
        for path in (whole, many / "*.txt")
    )
    assert one.sha256 == other.sha256
    everything = np.arange(len(one.ids))
    np.testing.assert_array_equal(one.ids[everything], other.ids[everything])
