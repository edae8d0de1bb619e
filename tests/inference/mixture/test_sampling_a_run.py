"""`charrnn sample` and `Model.sample` from a run that has an n-gram beside its network."""

from __future__ import annotations

import json
import shutil
from functools import partial

import numpy as np
import pytest

import charrnn as package
from charrnn.data.corpus import load_corpus
from charrnn.errors import UsageError
from charrnn.inference.mixed_sampling import WeightedMixture, mixed_nats_of_rows
from charrnn.inference.mixture import file
from charrnn.inference.mixture.model import Mixture
from charrnn.inference.sampling import Sampling, next_logits
from charrnn.inference.scoring import mean_nats
from charrnn.report.html.reader import passage, texts
from charrnn.report.html.runs import open_run
from charrnn.runs.mixtures import model_hashes
from tests.conftest import TEXT

SETTINGS = {
    "model.hidden_size": 12, "train.batch_size": 4, "data.split": [0.8, 0.2, 0.0],
    "runtime.dtype": "float64",
}  # fmt: skip


@pytest.fixture(scope="module", params=["stream", "lines"])
def made(request, tmp_path_factory):
    """A tiny run with its mixture, whose weights are not the initial ones."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "text.txt").write_text(TEXT)
    settings = {**SETTINGS, "data.mode": request.param}
    run = package.train(
        files=folder / "text.txt", settings=settings, steps=30, out=folder / "run", progress=False
    )
    model = run.model()
    corpus = load_corpus(model.config.data, model.vocabulary)
    rows = corpus.rows["train"].tolist()
    ids = np.concatenate([np.asarray(corpus.ids[a:b]) for a, b in rows])
    made = Mixture.fitted(ids, np.array([b - a for a, b in rows]), model.vocabulary.K, 5)
    scorer = made.scorer()
    scorer.score(np.random.default_rng(0).normal(0, 1, (300, made.K)), ids[:300])
    made = made.with_weights(scorer.weights)
    file.write(run.path / file.NAME, made, model_hashes(model._network, model.vocabulary))
    return run.path


@pytest.fixture
def run(made, tmp_path):
    shutil.copytree(made, tmp_path / "run")
    return tmp_path / "run"


def test_the_mixture_is_sampled_from_where_there_is_one(run, charrnn):
    def sampled(*more):
        result = charrnn("sample", run, "--seed", 1, "--length", 80, *more)
        assert result.returncode == 0, result.stderr
        return result.stdout

    mixed, network = sampled(), sampled("--use", "network")
    assert mixed != network
    assert sampled("--use", "mixture") == mixed
    assert sampled("--ngram-weight", 0) == network
    model = package.load(run)
    assert "".join(model.sample(length=80, seed=1)) == mixed
    answer = json.loads(sampled("--format", "json"))
    assert (answer["text"], answer["used"]) == (mixed, "mixture")
    assert len({sampled(), mixed}) == 1


def test_options_work_on_the_mixed_distribution(run):
    model = package.load(run)
    p = model.probabilities("The lam")
    q = model.probabilities("The lam", use="network")
    assert p.sum() == pytest.approx(1, abs=1e-9)
    assert np.abs(p - q).max() > 0.01
    likeliest = model.vocabulary.symbols[int(p.argmax())]
    for options in ({"temperature": 0}, {"top_k": 1}, {"top_p": float(p.max()) * 0.99}):
        assert "".join(model.sample("The lam", length=1, seed=3, **options)) == likeliest
    drawn = "".join(next(iter(model.sample("The lam", length=1, seed=s)), "") for s in range(300))
    share = drawn.count(likeliest) / 300
    assert abs(share - p.max()) < 4 * np.sqrt(p.max() * (1 - p.max()) / 300)


def test_best_of_chooses_by_the_mixture(run, charrnn):
    """Each candidate's nats are minus the log-probabilities that it was sampled by."""
    model = package.load(run)
    vocabulary, network = model.vocabulary, model.network()
    boundary = vocabulary.id("\n") if model.layout.boundary else None
    prime, text = vocabulary.encode("\nThe "), vocabulary.encode("lamp is\non the")
    mixed = WeightedMixture(model.mixture, 0.7)
    nats_of = partial(mixed_nats_of_rows, network, mixed)
    found = mean_nats(nats_of, prime, [text], boundary)[0]
    expected, whole = [], np.concatenate([prime, text])
    for n in range(len(prime), len(whole)):
        z = next_logits(network, whole[:n], boundary, mixed)
        expected.append(-np.log(Sampling().probabilities(z)[whole[n]]))
    assert found == pytest.approx(np.mean(expected), abs=2e-5)
    several = [vocabulary.encode("a lamp"), text, vocabulary.encode("")]
    together = mean_nats(nats_of, prime, several, boundary)
    alone = [mean_nats(nats_of, prime, [one], boundary)[0] for one in several]
    assert together == pytest.approx(alone, abs=1e-6)
    assert together[1:] == [pytest.approx(found, abs=1e-6), np.inf]
    lines = charrnn("sample", run, "--count", 2, "--best-of", 3, "--length", 30, "--seed", 2,
                    "--format", "json").stdout.splitlines()  # fmt: skip
    assert all(json.loads(line)["used"] == "mixture" for line in lines)


def test_many_characters_by_the_compiled_sampler(run):
    pytest.importorskip("numba", reason="the extra fast is not installed")
    model = package.load(run)
    short = "".join(model.sample("The ", length=300, seed=5))
    assert "".join(model.sample("The ", length=5000, seed=5)).startswith(short)


def test_a_weight_without_an_n_gram_is_an_error(run):
    (run / file.NAME).unlink()
    model = package.load(run)
    with pytest.raises(UsageError, match="ngram_weight"):
        model.sample(ngram_weight=0.5)
    with pytest.raises(UsageError, match="no n-gram"):
        model.sample(use="mixture")


def test_the_report_shows_the_mixtures_probabilities(run):
    opened = open_run(run)
    model = package.load(run)
    corpus = load_corpus(model.config.data, model.vocabulary)
    mixed = WeightedMixture(model.mixture)
    reader, sampled = texts(opened, corpus)
    alone = passage(model.network(), model.vocabulary, corpus)
    assert (reader["used"], sampled["used"], alone["used"]) == ("mixture", "mixture", "network")
    assert reader["p"] != alone["p"]
    boundary = model.vocabulary.id("\n") if model.layout.boundary else None
    ids, beginning = np.array(sampled["ids"], np.int32), model.beginning()
    for n in (1, 7, 40):
        z = next_logits(model.network(), ids[:n], boundary, mixed, beginning)
        p = Sampling().probabilities(z)
        np.testing.assert_allclose(sampled["p"][n - 1], np.sort(p)[::-1][:6], atol=2e-4)
