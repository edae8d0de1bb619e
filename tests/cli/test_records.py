"""Records from the text to samples, scores and what is refused."""

from __future__ import annotations

import json

import pytest

import charrnn as package
from charrnn.api.sampling import prepare_sampler
from charrnn.errors import DataError, UsageError
from charrnn.inference.memorization import TrainingText

RECORDS = [f"{a} {b}\n\t{b}{a}!" for a in "abc" for b in "xyzuvw"]
SETTINGS = {
    "data.mode": "records", "data.split": [0.8, 0.2, 0], "model.hidden_size": 6,
    "model.num_layers": 1, "train.batch_size": 4, "train.sample_length": 30,
    "runtime.kernels": "numpy",
}  # fmt: skip


@pytest.fixture(scope="module", params=["char", "byte"])
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    (folder / "a.txt").write_text("\n\n".join(RECORDS) + "\n")
    settings = {**SETTINGS, "data.unit": request.param}
    return package.train(
        files=folder / "a.txt", settings=settings, steps=60, out=folder / "run", progress=False
    )


def test_whole_records_are_sampled_and_written_apart(run):
    model = run.model()
    text = "".join(model.sample(records=3, seed=1))
    assert text.endswith("\n\n")
    assert text.count("\n\n") == 3
    assert text == "".join(model.sample(records=3, seed=1))
    begun = "".join(model.sample("a\n", records=1, seed=1))
    assert begun.endswith("\n\n")
    samples = (run.path / "samples.txt").read_text()
    assert "\ufdd0" not in samples
    assert "\n\n" in samples


def test_scores_stand_beside_the_text_as_it_is(run):
    model = run.model()
    text = "\n\n" + RECORDS[0] + "\n \n\n" + RECORDS[1]
    scores = model.score(text)
    assert scores.text == text + "\n"
    scored = [c for c, nats in scores if nats == nats]
    assert "".join(scored) == f"{RECORDS[0]}\n{RECORDS[1]}\n"  # one end for each
    alone = [model.score(record).total for record in RECORDS[:2]]
    assert scores.total == pytest.approx(sum(alone))
    whole = model.evaluate(split="all")
    assert whole.chars == sum(len(record) + 1 for record in RECORDS)
    every = model.score("\n\n".join(RECORDS))
    assert whole.nats_per_char == pytest.approx(every.nats_per_char, rel=1e-5)


def test_records_by_their_number(run, charrnn, tmp_path):
    (tmp_path / "b.txt").write_text("\n\n".join(RECORDS[:3]))
    result = charrnn("score", run.path, tmp_path / "b.txt", "--per", "record", "--format", "jsonl")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["record"], row["text"]) for row in rows] == list(enumerate(RECORDS[:3], 1))
    assert [row["chars"] for row in rows] == [len(record) + 1 for record in RECORDS[:3]]


def test_unique_records_are_new_and_do_not_repeat(run):
    model = run.model()
    found = model.sample_unique(5, seed=2, temperature=1.5)
    assert len(set(found)) == len(found) == 5
    assert not set(found) & set(RECORDS)
    assert found == model.sample_unique(5, seed=2, temperature=1.5)


def test_fewer_come_where_all_is_known(run, monkeypatch):
    monkeypatch.setattr(TrainingText, "has", lambda self, sequence: True)
    with pytest.warns(package.Notice, match="0 of 2 records: of 100 samples"):
        assert run.model().sample_unique(2, length=40, seed=1) == []


def test_beam_search_is_the_same_each_time(run):
    model = run.model()
    text = "".join(model.sample(beam=4, length=60, records=1))
    assert text == "".join(model.sample(beam=4, length=60, records=1))
    with pytest.raises(UsageError, match="draws nothing"):
        list(model.sample(beam=4, temperature=0.5))


def test_what_no_stream_has(tmp_path):
    (tmp_path / "a.txt").write_text("\n\n".join(RECORDS))
    settings = {**SETTINGS, "data.mode": "stream"}
    model = package.train(
        files=tmp_path / "a.txt", settings=settings, steps=0, out=tmp_path / "run", progress=False
    ).model()
    for arguments in {"records": 1}, {"records": 1, "length": 5}:
        with pytest.raises(UsageError, match="of a stream"):
            model.sample(**arguments)
    with pytest.raises(UsageError, match="of a stream"):
        model.sample_unique(1)


def test_unique_needs_the_training_text(run):
    text = run.path.parent / "a.txt"
    moved = text.rename(text.with_name("moved.txt"))
    try:
        with pytest.raises(DataError, match="no such file"):
            run.model().sample_unique(1)
    finally:
        moved.rename(text)


def test_texts_whose_nats_are_not_asked_for_are_those_with_nats(run):
    """More than are made side by side; JSON shows the ones with, text the ones without."""
    model = run.model()
    sampler = prepare_sampler(model, "", records=1, length=40, seed=1)
    assert list(sampler.unscored(70)) == [text for text, _ in sampler.samples(70)]
    once = prepare_sampler(model, "", records=1, length=40, seed=1, unique=True)
    assert list(once.unscored_unique(3)) == [text for text, _ in once.unique(3)]
