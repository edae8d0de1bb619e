"""Sampling: from what a caller asks to texts. `Model.sample` and `charrnn sample` run it."""

from __future__ import annotations

import codecs
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn import build
from charrnn.api.arguments import require
from charrnn.api.loaded import LoadedModel, as_symbols, training_corpus
from charrnn.data.vocabulary import Vocabulary, describe
from charrnn.errors import UsageError, argument, call, notice
from charrnn.inference.memorization import Copied, TrainingText
from charrnn.inference.mixed_sampling import Mixed
from charrnn.inference.mixed_sampling import mean_nats as mean_nats_mixed
from charrnn.inference.sampling import (
    Sampling,
    StopConditions,
    Truncation,
    first_id,
    next_logits,
    sample,
    writable,
)
from charrnn.inference.scoring import mean_nats
from charrnn.nn.network import Network
from charrnn.runtime.workers import WorkerPool, limited, threads

Ids = NDArray[np.int32]
TOGETHER = 64  # samples that are made side by side
MAX_HELD = 10**9  # characters


@dataclass(frozen=True)
class Sampler:
    """Samples of one model.

    `prime`: the ids that it reads first. `prime_text`: what of them was asked for, in the
    vocabulary's symbols. `boundary`: of a model of lines, the id that ends one. `training_text`:
    what samples are compared with, if they are. `mixed`: with what n-gram, if with any.
    """

    network: Network
    vocabulary: Vocabulary
    prime: Ids
    prime_text: str
    boundary: int | None
    length: int
    settings: Sampling
    seed: int
    stop: StopConditions
    training_text: TrainingText | None = None
    mixed: Mixed | None = None

    @property
    def used(self) -> str:
        """What is sampled from: "network" or "mixture"."""
        return "network" if self.mixed is None else "mixture"

    def stream(self, index: int = 0) -> Iterator[str]:
        """One sample, in pieces as they are made, in the vocabulary's symbols.

        `index` tells several of one seed apart.
        """
        chunks = limited(self._chunks(range(index, index + 1), self.length), 1)
        return self.stop.truncate(self.vocabulary.decode(chunk[:, 0]) for chunk in chunks)

    def decoded(self, errors: str) -> Iterator[str]:
        """The same as text: the bytes of a model of bytes decoded as UTF-8."""
        if self.vocabulary.unit == "char":
            return self.stream()
        try:
            codecs.lookup_error(errors)
        except LookupError:
            raise UsageError(
                f"{errors!r} is no error handler", where=argument("errors"),
                then='for example "replace"',
            ) from None  # fmt: skip
        data = (piece.encode("latin-1") for piece in self.stream())
        return (text for text in codecs.iterdecode(data, "utf-8", errors) if text)

    def samples(self, count: int = 1, best_of: int = 1) -> Iterator[tuple[str, float]]:
        """Texts and their mean nats, each the best of some that are made side by side."""
        require(count=count, best_of=best_of)
        held = self.length * max(best_of, min(count * best_of, TOGETHER))
        if held > MAX_HELD:
            raise UsageError(
                f"{held:,} characters would be held in memory, of samples that are made side by "
                f"side: {MAX_HELD:,} at most",
                where=argument("length"),
            )
        return limited(self._samples(count, best_of), 1)

    def texts(self, indices: range) -> list[str]:
        """Whole samples, made side by side; each is what `stream` gives, up to rounding."""
        with threads(1):
            return self._texts(indices, self.length * len(indices))

    def next_characters(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probabilities (K,) of what follows the prime: the model's own, and those of sampling.

        The model's own are at temperature 1 with nothing denied; the others, which temperature,
        top-k, top-p and the allowed characters make of them, are what is drawn from.
        """
        with threads(1):
            z = next_logits(self.network, self.prime, self.boundary, self.mixed)
        return Sampling().probabilities(z), self.settings.distribution(z)

    def copied(self, text: str) -> list[Copied]:
        """What of a sample, or of each line of a model of lines, is in the training text."""
        if self.training_text is None:
            return []
        whole = text if self.boundary is None else self.prime_text + text
        return self.training_text.look_up(whole)

    def _samples(self, count: int, best_of: int) -> Iterator[tuple[str, float]]:
        pool, candidates = WorkerPool(self.network), list[tuple[str, float]]()
        for first in range(0, count * best_of, TOGETHER):
            indices = range(first, min(first + TOGETHER, count * best_of))
            texts = self._texts(indices, self.length * count * best_of)
            encoded = [self.vocabulary.encode(text) for text in texts]
            nats = self._mean_nats(pool, encoded)
            candidates += zip(texts, nats, strict=True)
            while len(candidates) >= best_of:
                yield min(candidates[:best_of], key=lambda candidate: candidate[1])
                del candidates[:best_of]

    def _texts(self, indices: range, characters: int) -> list[str]:
        """Samples that are made side by side, each up to its end."""
        texts, truncations = [""] * len(indices), [Truncation(self.stop) for _ in indices]
        for chunk in self._chunks(indices, characters):
            for index, truncation in enumerate(truncations):
                texts[index] += truncation.feed(self.vocabulary.decode(chunk[:, index]))
            if all(truncation.ended for truncation in truncations):
                break
        return [text + truncation.held for text, truncation in zip(texts, truncations, strict=True)]

    def _mean_nats(self, pool: WorkerPool, texts: list[Ids]) -> list[float]:
        """Nats per character by what is sampled from, at temperature 1."""
        if self.mixed is None:
            return mean_nats(pool, self.prime, texts, self.boundary)
        return mean_nats_mixed(self.network, self.mixed, self.prime, texts, self.boundary)

    def _chunks(self, indices: range, characters: int) -> Iterator[Ids]:
        generate_steps = build.sampler(
            self.network, self.settings, self.boundary, characters, self.mixed
        )
        return sample(
            self.network, self.prime, self.length, generate_steps, self.seed, self.boundary,
            indices, self.mixed,
        )  # fmt: skip


def prepare_sampler(
    model: LoadedModel,
    prime: str,
    *,
    length: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    stops: Iterable[str | bytes] = (),
    lines: int | None = None,
    allow: str | bytes | None = None,
    forbid: str | bytes | None = None,
    on_unknown: Any = None,
    check_novelty: bool = False,
    use: str | None = None,
    ngram_weight: float | None = None,
    prime_name: str = "prime",
    tell: Callable[[str], None] = notice,
) -> Sampler:
    """How a model samples; the arguments are those of `Model.sample`, and are checked here.

    `prime`: in the vocabulary's symbols, given as the argument `prime_name`.
    """
    vocabulary = model.vocabulary
    require(
        length=length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed, lines=lines,
        on_unknown=on_unknown, ngram_weight=ngram_weight,
    )  # fmt: skip
    mixture = model.used_mixture(use, tell)
    if mixture is None and ngram_weight is not None:
        raise UsageError(
            f"{argument('ngram_weight')} is for a run with an n-gram",
            then=f"to add one: {call('mix', 'RUN')}",
        )
    boundary = first_id(vocabulary) if model.is_of_lines else None
    asked = vocabulary.encode(
        prime, on_unknown or model.config.data.on_unknown, argument(prime_name),
        argument("on_unknown"),
    )  # fmt: skip
    if vocabulary.unknown is not None:
        unknown = np.count_nonzero(asked == vocabulary.id(vocabulary.unknown))
        if unknown:
            tell(f"{argument(prime_name)}: {unknown:,} of its characters are unknown to the model")
    start = np.array([first_id(vocabulary)], np.int32)
    settings = Sampling(temperature, top_k, top_p, allowed_ids(vocabulary, allow, forbid))
    corpus = training_corpus(model, "check_novelty", tell) if check_novelty else None
    return Sampler(
        network=model.network(),
        vocabulary=vocabulary,
        prime=np.concatenate([start, asked]) if boundary is not None or not len(asked) else asked,
        prime_text=vocabulary.decode(asked),
        boundary=boundary,
        length=length,
        settings=settings,
        seed=secrets.randbelow(2**31) if seed is None else seed,
        stop=StopConditions(_stop_texts(stops, vocabulary, tell), lines),
        training_text=None if corpus is None else TrainingText(corpus),
        mixed=None
        if mixture is None
        else Mixed(mixture, 1.0 if ngram_weight is None else ngram_weight),
    )


def _stop_texts(
    stops: Iterable[str | bytes], vocabulary: Vocabulary, tell: Callable[[str], None]
) -> list[str]:
    """Texts that end a sample, in the vocabulary's symbols; it is told which of them never do."""
    texts = [as_symbols(stop, vocabulary.unit) for stop in stops]
    for text in texts:
        missing = sorted({ord(symbol) for symbol in text if symbol not in vocabulary})
        if missing:
            tell(
                f"{argument('stop', text)} never ends a sample: the model's vocabulary lacks "
                f"{describe(missing, 10)}"
            )
    return texts


def allowed_ids(
    vocabulary: Vocabulary, allow: str | bytes | None, forbid: str | bytes | None
) -> NDArray[np.bool_] | None:
    """Which ids (K,) may be sampled; None for all. UsageError where none is left."""
    able = writable(vocabulary)
    if allow is None and forbid is None:
        return able
    mask = np.full(vocabulary.K, allow is None)
    if allow is not None:
        name = argument("allow")
        mask[vocabulary.encode(as_symbols(allow, vocabulary.unit), "error", name, name)] = True
    for symbol in as_symbols(forbid or "", vocabulary.unit):
        if symbol in vocabulary:
            mask[vocabulary.id(symbol)] = False
    if able is not None:
        mask &= able
    if not mask.any():
        names = f"{argument('allow')} and {argument('forbid')}"
        raise UsageError(f"{names} leave no character to sample")
    return mask


def next_probabilities(
    model: LoadedModel, prime: str | bytes, **options: Any
) -> NDArray[np.float64]:
    """p (K,) after a prime: what `sample` takes its first character from, with these options."""
    text = as_symbols(prime, model.vocabulary.unit)
    return prepare_sampler(model, text, length=0, **options).next_characters()[1]


def likeliest(
    model: LoadedModel, prime: str | bytes, top: int, use: str | None = None
) -> list[tuple[str, float]]:
    """The `top` likeliest characters after a prime and their probabilities, the likeliest first."""
    p = next_probabilities(model, prime, use=use)
    order = np.argsort(-p, kind="stable")[: max(top, 0)]
    return [(model.vocabulary.symbols[i], float(p[i])) for i in order]
