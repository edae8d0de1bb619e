"""The page's texts: a passage coloured by what units do, and a sample with its probabilities."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn import build
from charrnn.analysis.units.activations import Block, activations, quantities, rows_of
from charrnn.analysis.units.features import Feature, features
from charrnn.analysis.units.ranking import Ranked, Ranking, Series, auc
from charrnn.config import Config
from charrnn.data.corpus import Corpus, Part
from charrnn.data.layout import layout_of, seen
from charrnn.data.utf8 import as_text, bytes_of_characters
from charrnn.data.vocabulary import Vocabulary
from charrnn.inference.beginning import Beginning, zero_beginning
from charrnn.inference.mixed_sampling import WeightedMixture, log_probabilities
from charrnn.inference.reader import Rows
from charrnn.inference.sampling import Sampling, numpy_sampler, sample, writable
from charrnn.inference.warming import warm_beginning
from charrnn.nn.network import Network
from charrnn.report.html.curves import short
from charrnn.report.html.runs import Run
from charrnn.runs.mixtures import OtherCheckpointError, mixture_beside, read_mixture
from charrnn.runtime.progress import working

Array = NDArray[Any]
Json = dict[str, Any]
RANKED = 30_000  # characters that units are ranked over
WORK = 60_000_000_000  # parameters times characters: large models are ranked over fewer
SHOWN, FEWEST_SHOWN, SAMPLED = 2000, 600, 800
VALUES = 2_200_000  # activations that a page holds, a byte each
BEST, LIKELIEST = 6, 6


def texts(run: Run, corpus: Corpus | None) -> tuple[Json, Json]:
    """The reader's passage (`{"missing": why}` without a corpus), and a sample.

    Probabilities are the mixture's where the run has one of this very checkpoint.
    """
    network, vocabulary, config = build.restore_network(run.checkpoint, str(run.path))
    mixed = _mixed(run, network, vocabulary)
    reader = {"missing": "the run's text is not there any more"}
    if corpus is not None:
        reader = passage(network, vocabulary, corpus, mixed)
    return reader, sampled(network, vocabulary, config, run.checkpoint.arrays.get("state"), mixed)


def _mixed(run: Run, network: Network, vocabulary: Vocabulary) -> WeightedMixture | None:
    path = mixture_beside(run.path)
    try:
        return None if path is None else WeightedMixture(read_mixture(path, network, vocabulary))
    except OtherCheckpointError:
        return None


def passage(
    network: Network, vocabulary: Vocabulary, corpus: Corpus, mixed: WeightedMixture | None = None
) -> Json:
    """The beginning of the validation part, activations and distributions, and the ranking."""
    part: Part = next(p for p in ("val", "test", "train") if corpus.characters(p))
    shown = _shown(network)
    count = min(max(WORK // network.params.flat.size, 2 * shown), RANKED)
    rows = rows_of(corpus, part, count)
    ids = np.concatenate([
        corpus.ids[start:stop]
        for start, stop in zip(rows.begin.tolist(), rows.stop.tolist(), strict=True)
    ])  # fmt: skip
    text = vocabulary.decode(ids.tolist())
    found = features(text, corpus.layout.boundary)
    ranking, view = Ranking(found), View(network, ids, min(shown, len(ids)))
    with working("page: what units track", 2 * len(ids)) as done:
        for block in activations(network, corpus.ids, rows):
            ranking.add(block)
            view.add(block)
            done(len(block.at))
        best = ranking.best(BEST)
        series = Series((unit for units in best for unit in units), len(ids))
        for block in activations(network, corpus.ids, rows):
            series.add(block)
            done(len(block.at))
    if mixed is not None:
        view.mix(network, mixed, corpus.ids, rows)
    return {
        "used": "network" if mixed is None else "mixture",
        "part": {"val": "validation", "test": "test", "train": "training"}[part],
        "ranked_over": len(ids),
        **view.json(vocabulary, ranking),
        "features": [
            _feature(feature, units, series, view.size)
            for feature, units in zip(found, best, strict=True)
        ],
    }  # fmt: skip


def sampled(
    network: Network, vocabulary: Vocabulary, config: Config, carried: Array | None,
    mixed: WeightedMixture | None = None,
) -> Json:  # fmt: skip
    """A sample at temperature 1 from the run's seed, with the probability of each character."""
    layout = layout_of(config.data)
    boundary = layout.boundary_id(vocabulary)
    beginning = (
        warm_beginning(network, vocabulary, carried)
        if boundary is None
        else zero_beginning(network, boundary)
    )
    start = np.array([beginning.id], np.int32)
    generate_steps = numpy_sampler(network, Sampling(allowed=writable(vocabulary)), boundary, mixed)
    seed = config.train.seed
    drawn = sample(
        network, start, SAMPLED, generate_steps, seed, boundary, mixed=mixed, beginning=beginning
    )
    ids = np.concatenate([start, *(chunk[:, 0] for chunk in drawn)])
    cuts = [0] if boundary is None else np.flatnonzero(ids == boundary).tolist()
    rows = Rows.whole(cuts, [*cuts[1:], len(ids)])
    view = View(network, ids, len(ids), activations=False)
    for block in activations(network, ids, rows, beginning):
        view.add(block)
    if mixed is not None:
        view.mix(network, mixed, np.append(ids, ids[-1]), rows, beginning)
    used = "network" if mixed is None else "mixture"
    return {"temperature": 1, "seed": seed, "used": used, **view.json(vocabulary)}


def _shown(network: Network) -> int:
    series = sum(len(quantities(cell)) for cell in network.cells) * network.H
    return min(max(VALUES // series, FEWEST_SHOWN), SHOWN)


class View:
    """The first `size` of the characters `ids` that are read, filled block by block."""

    def __init__(
        self, network: Network, ids: Array, size: int, *, activations: bool = True
    ) -> None:
        self.size, self._H, self._ids = size, network.H, ids
        likeliest = min(LIKELIEST, network.K)
        self._next = np.zeros((size, likeliest), np.int64)
        self._p = np.zeros((size, likeliest))
        self._nats = np.zeros(len(ids) + 1)
        self._quantities = [quantities(cell) if activations else [] for cell in network.cells]
        self._letters = [[q.letter for q in own] for own in self._quantities]
        shape = (size, network.H)
        self._values = [
            {letter: np.zeros(shape, np.float32) for letter in letters} for letters in self._letters
        ]

    def add(self, block: Block) -> None:
        """Keep what belongs to the view."""
        here = block.at < self.size
        at = block.at[here]
        self._predict(at, block.p[here])
        for own, values in zip(self._values, block.values, strict=True):
            for letter, array in own.items():
                array[at] = values[letter][here]

    def mix(
        self, network: Network, mixed: WeightedMixture, ids: Any, rows: Rows,
        beginning: Beginning | None = None,
    ) -> None:  # fmt: skip
        """Have the probabilities of a mixture; the rows of `ids` are what `add` was given of."""
        places = np.cumsum([0, *(rows.stop - rows.begin)])
        for at, log_q in log_probabilities(
            network, mixed, ids, rows[np.flatnonzero(places[:-1] < self.size)], beginning
        ):
            row = np.searchsorted(rows.begin, at, side="right") - 1
            place = places[row] + at - rows.begin[row]
            here = place < self.size
            self._predict(place[here], np.exp(log_q[here]))

    def _predict(self, at: Array, p: Array) -> None:
        """p (n, K) after the characters at places `at` (n,)."""
        self._next[at] = np.argsort(-p, axis=1, kind="stable")[:, :LIKELIEST]
        self._p[at] = np.take_along_axis(p, self._next[at], axis=1)
        # The surprise of a character is in the distribution before it.
        following = self._ids[np.minimum(at + 1, len(self._ids) - 1)]
        self._nats[at + 1] = -np.log(np.maximum(p[np.arange(len(at)), following], 1e-300))

    def json(self, vocabulary: Vocabulary, ranking: Ranking | None = None) -> Json:
        """Text, distributions and, with a ranking, activations."""
        shown = self._ids[: self.size].tolist()
        used = sorted({*shown, *self._next.flat})
        return {
            "symbols": {int(i): seen(vocabulary.symbols[i]) for i in used},
            "unit": vocabulary.unit,
            "ids": shown,
            **_characters(vocabulary, shown),
            "next": self._next.tolist(),
            "p": np.round(self._p, 4).tolist(),
            "nats": [None, *np.round(self._nats[1 : self.size], 3).tolist()],
            "layers": self._packed(ranking) if ranking is not None else [],
        }

    def _packed(self, ranking: Ranking) -> list[Json]:
        units = _kept(self._letters, self.size, ranking)
        return [
            {
                "units": kept.tolist(),
                "total": self._H,
                "quantities": [
                    {"letter": q.letter, "name": q.label,
                     **pack(layer[q.letter][:, kept], q.limits)}
                    for q in own
                ],
            }
            for own, layer, kept in zip(self._quantities, self._values, units, strict=True)
        ]  # fmt: skip


def _characters(vocabulary: Vocabulary, ids: list[int]) -> Json:
    """Of bytes, what stands at each place: a character at its first byte, nothing at the others."""
    if vocabulary.unit == "char":
        return {}
    text = vocabulary.decode(ids)
    places = [""] * len(ids)
    at = 0
    for character, size in zip(
        as_text(text, "byte"), bytes_of_characters(text).tolist(), strict=True
    ):
        places[at] = character
        at += size
    return {"shown": places}


def _kept(letters: list[list[str]], size: int, ranking: Ranking) -> list[Array]:
    """The units of each layer that a page has room for: those that track something best."""
    r = ranking.r()
    room = max(VALUES // (size * sum(map(len, letters))), BEST)
    found = []
    for layer, names in enumerate(letters):
        tables = [np.abs(r[layer, name]).max(axis=0, initial=0) for name in names]
        score = np.max(tables, axis=0)
        found.append(np.sort(np.argsort(-score, kind="stable")[:room]))
    return found


def pack(values: Array, limits: tuple[float, float] | None) -> Json:
    """Activations (N, U) as bytes, unit by unit: value = byte / 127 · scale of the unit."""
    if limits is None:
        scale = np.maximum(np.abs(values).max(axis=0, initial=0), 1e-6)
    else:
        scale = np.full(values.shape[1], max(map(abs, limits)))
    quantised = np.rint(values / scale * 127).clip(-127, 127).astype(np.int8)
    return {
        "low": 0 if limits is not None and limits[0] == 0 else -1,
        "scale": [short(float(s)) for s in scale],
        "bytes": b64encode(np.ascontiguousarray(quantised.T).tobytes()).decode(),
    }


def _feature(feature: Feature, units: Sequence[Ranked], series: Series, size: int) -> Json:
    """`best`: layer, letter, unit, r and, for a feature of yes and no, AUC."""
    values = feature.values
    aucs = (round(auc(series.of(u), values), 3) if feature.yes_no else None for u in units)
    return {
        "name": feature.name,
        "meaning": feature.meaning,
        "yes_no": feature.yes_no,
        "share": short(float(values.mean())),
        "values": values[:size].astype(int).tolist(),
        "best": [
            [u.layer, u.letter, u.unit, round(u.r, 3), area]
            for u, area in zip(units, aucs, strict=True)
        ],
    }
