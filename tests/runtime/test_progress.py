"""Whoever works says how far it is; what a listener hears adds up to the whole."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

import charrnn
from charrnn import config
from charrnn.api.evaluation import evaluate
from charrnn.runtime.progress import counted, listening, working

SMALL = {
    "model.hidden_size": 4, "model.num_layers": 1, "bptt.k1": 4, "bptt.k2": 4,
    "train.batch_size": 4, "runtime.kernels": "numpy",
}  # fmt: skip


def short_text(folder):
    path = folder / "text.txt"
    path.write_text("the lamp is on the table, and so is the letter. " * 60)
    return path


class Heard:
    """A listener that keeps everything."""

    def __init__(self):
        self.work = []

    @contextmanager
    def __call__(self, what, total):
        entry = [what, total, 0.0]
        self.work.append(entry)

        def done(amount=1, /):
            entry[2] += amount

        yield done

    def share(self, what):
        ((_, total, done),) = [entry for entry in self.work if entry[0] == what]
        return done / total


def test_nobody_hears_unless_somebody_listens():
    with working("alone", 3) as done:
        done()
    heard = Heard()
    with listening(heard):
        assert list(counted("abc", "letters", 3)) == ["a", "b", "c"]
        with listening(None), working("hushed", 1) as done:
            done()
        with working("shared", 40) as done:
            workers = [
                threading.Thread(target=lambda: [done() for _ in range(10)]) for _ in range(4)
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
    with working("afterwards", 1) as done:
        done()
    assert heard.work == [["letters", 3, 3], ["shared", 40, 40]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of each mode."""
    folder = tmp_path_factory.mktemp("runs")
    text = folder / "text.txt"
    text.write_text("the lamp is on the table\nand so is the letter\n" * 60)
    return {
        mode: charrnn.train(
            files=text, settings={**SMALL, "data.mode": mode}, steps=2, out=folder / mode
        )
        for mode in ("stream", "lines")
    }


@pytest.mark.parametrize("mode", ["stream", "lines"])
@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("scoring", {}),
        ("scoring, and learning from it", {"dynamic": 0.01}),
        ("n-gram baseline: choosing its order", {"with_baseline": True}),
    ],
)
def test_evaluations_say_how_far_they_are(runs, mode, what, how):
    heard = Heard()
    with listening(heard):
        evaluate(charrnn.load(runs[mode]), **how)
    assert heard.share(what) == 1


def test_the_mixture_the_page_and_the_proofs_do(runs, tmp_path):
    heard = Heard()
    run = charrnn.train(files=short_text(tmp_path), settings=SMALL, steps=1,
                        out=tmp_path / "r")  # fmt: skip
    with listening(heard):
        charrnn.mix(run, 3)
        charrnn.write_report(run)
        charrnn.gradcheck({"model.hidden_size": 3, "model.num_layers": 1})
        charrnn.gradcheck(run, every_entry=True)
    assert heard.share("scoring by the mixture") == 1
    assert heard.share("page: what units track") == 1
    followed = [e for e in heard.work if e[0] == "following gradients back"]
    assert followed
    assert all(total == done for _, total, done in followed)
    assert [done / total for what, total, done in heard.work if what == "proving gradients"] == [
        1, 1,
    ]  # fmt: skip


def test_a_large_text_does_as_it_is_counted_encoded_and_checked(tmp_path, monkeypatch):
    from charrnn.data import sources
    from charrnn.data.corpus import load_corpus

    monkeypatch.setattr(sources, "LARGE", 100)
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    path = short_text(tmp_path)
    data = config.load(None, [f"data.text=[{path}]"]).data
    first, second = Heard(), Heard()
    with listening(first):
        load_corpus(data)
    with listening(second):
        load_corpus(data)
    assert first.share("counting the text's characters") == 1
    assert first.share("encoding the text") == 1
    assert 0 < second.share("checking the text's ids") <= 1
