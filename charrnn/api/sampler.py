"""What `Model.sample` and `charrnn sample` draw from: one model, one prime, one set of rules."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from charrnn import build
from charrnn.api.arguments import require
from charrnn.data.layout import Layout
from charrnn.data.utf8 import (
    LONGEST,
    WholeCharacters,
    as_text,
    phase_after,
    tolerant,
    transitions,
)
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import UsageError, argument
from charrnn.inference.beam import beam_search
from charrnn.inference.beginning import Beginning
from charrnn.inference.memorization import Copied, TrainingText
from charrnn.inference.mixed_sampling import WeightedMixture, mixed_nats_of_rows
from charrnn.inference.sampling import (
    Sampling,
    StopConditions,
    Truncation,
    next_logits,
    sample,
)
from charrnn.inference.scoring import mean_nats, nats_of_rows
from charrnn.inference.valid_sampling import Utf8, ValidOnly
from charrnn.nn.network import Network
from charrnn.runtime.workers import WorkerPool, limited, threads

Ids = NDArray[np.int32]
TOGETHER = 64  # samples that are made side by side
MAX_HELD = 10**9  # characters
USUAL_RECORD = 300
ATTEMPTS, FEWEST_ATTEMPTS = 20, 100  # samples made for each that is wanted once, at least so many
UNENDING = 10**15  # steps: a sample that is held to valid UTF-8 ends by what is left of them


@dataclass(frozen=True)
class Sampler:
    """Samples of one model.

    `beginning`: what a text begins after. `prime`: the ids that it reads first. `prime_text`: what
    of them was asked for, in the vocabulary's symbols. `boundary`: of a model of sequences, the id
    that ends one. `training_text`: what samples are looked up in, if they are; `check_novelty`: and
    told of. `mixed`: with what n-gram, if with any. `utf8`: what holds a sample to valid UTF-8, if
    anything does. `workers`: threads that share samples made side by side. `tell`: is given what is
    worth knowing.
    """

    network: Network
    vocabulary: Vocabulary
    layout: Layout
    beginning: Beginning
    prime: Ids
    prime_text: str
    boundary: int | None
    length: int
    settings: Sampling
    seed: int
    stop: StopConditions
    tell: Callable[[str], None]
    training_text: TrainingText | None = None
    check_novelty: bool = False
    mixed: WeightedMixture | None = None
    utf8: Utf8 | None = None
    workers: int = 1

    @property
    def used(self) -> str:
        """What is sampled from: "network" or "mixture"."""
        return "network" if self.mixed is None else "mixture"

    def stream(self, index: int = 0) -> Iterator[str]:
        """One sample, in pieces as they are made, in the vocabulary's symbols.

        `index` tells several of one seed apart.
        """
        truncation, wanted = Truncation(self.stop), self.stop.sequences
        chunks = limited(self._chunks(range(index, index + 1), self._usual_length), 1)
        pieces = self._whole(self.vocabulary.decode(chunk[:, 0]) for chunk in chunks)
        yield from self.stop.truncate(pieces, truncation)
        if wanted is not None and not truncation.ended:
            self.tell(
                f"{truncation.sequences} of {wanted} {self.layout.plural} were ended within "
                f"{argument('length', self.length)}"
            )

    def _whole(self, pieces: Iterable[str]) -> Iterator[str]:
        """What was sampled, up to its length; bytes to the end of the character there."""
        ending = _Ending(self)
        for piece in pieces:
            if sure := ending.feed(piece):
                yield sure
            if ending.ended:
                return

    @property
    def _usual_length(self) -> int:
        """About how long a sample is."""
        wanted = self.stop.sequences
        return self.length if wanted is None else min(self.length, wanted * USUAL_RECORD)

    def decoded(self, errors: str, beam: int | None = None) -> Iterator[str]:
        """The same as text: the bytes of a model of bytes decoded as UTF-8.

        `beam`: not of a sample, but of what a search of this width finds.
        """
        found = self.stream() if beam is None else (text for text, _ in self.likeliest(beam))
        shown = map(self.layout.shown, found)
        if self.vocabulary.unit == "char":
            return shown
        try:
            codecs.lookup_error(errors)
        except LookupError:
            raise UsageError(
                f"{errors!r} is no error handler", where=argument("errors"),
                then='for example "replace"',
            ) from None  # fmt: skip
        data = (piece.encode("latin-1") for piece in shown)
        return (text for text in codecs.iterdecode(data, "utf-8", errors) if text)

    def samples(self, count: int = 1, best_of: int = 1) -> Iterator[tuple[str, float]]:
        """Texts and their mean nats, each the best of some that are made side by side."""
        require(count=count, best_of=best_of)
        self._require_held(self.length * max(best_of, min(count * best_of, TOGETHER)))
        return limited(self._samples(count, best_of), 1)

    def unscored(self, count: int) -> Iterator[str]:
        """The same texts for `best_of` 1, without their nats, which take longer than the texts."""
        require(count=count)
        self._require_held(self.length * min(count, TOGETHER))
        return limited(self._unscored(count), 1)

    def texts(self, indices: range) -> list[str]:
        """Whole samples, made side by side; each is what `stream` gives, up to rounding."""
        with threads(1):
            return self._texts(indices, self._usual_length * len(indices))

    def next_characters(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probabilities (K,) of what follows the prime: the model's own, and those of sampling.

        The model's own are at temperature 1 with nothing denied; the others, which temperature,
        top-k, top-p and the allowed characters make of them, are what is drawn from.
        """
        with threads(1):
            z = next_logits(self.network, self.prime, self.boundary, self.mixed, self.beginning)
        return Sampling().probabilities(z), self.settings.distribution(z)

    def _require_held(self, characters: int) -> None:
        if characters > MAX_HELD:
            raise UsageError(
                f"{characters:,} characters would be held in memory, of samples that are made side "
                f"by side: {MAX_HELD:,} at most",
                where=argument("length"),
            )

    def likeliest(self, width: int, count: int = 1) -> list[tuple[str, float]]:
        """The `count` likeliest texts that a beam search of this width finds, and their mean nats.

        The likeliest as a whole first; each ends as a sample does.
        """
        require(beam=width, count=count)
        chosen = self.settings
        if (chosen.temperature, chosen.top_k, chosen.top_p) != (1.0, None, None):
            names = ", ".join(argument(name) for name in ("temperature", "top_k", "top_p"))
            raise UsageError(f"{argument('beam')} draws nothing: it goes with none of {names}")
        if count > width:
            raise UsageError(
                f"{argument('count', count)} is more than {argument('beam', width)} keeps"
            )
        self._require_held(self.length * width)
        with threads(1):
            found = beam_search(
                self.network, self.prime, self.length, width, count=count, stop=self.stop,
                symbols=self.vocabulary.symbols, boundary=self.boundary, allowed=chosen.allowed,
                mixed=self.mixed, utf8=self._phases(), beginning=self.beginning,
            )  # fmt: skip
            ends = [Truncation(self.stop) for _ in found]
            whole = [_Ending(self).feed(self.vocabulary.decode(one.ids)) for one in found]
            texts = [
                "".join(self.stop.truncate([text], end))
                for text, end in zip(whole, ends, strict=True)
            ]
            encoded = [self.vocabulary.encode(text) for text in texts]
            nats = self._mean_nats(WorkerPool(self.network), encoded)
        if self.stop.sequences is not None and not all(end.ended for end in ends):
            self.tell(
                f"the likeliest {self.layout.plural} were not ended within "
                f"{argument('length', self.length)}"
            )
        return list(zip(texts, nats, strict=True))

    def _phases(self) -> Utf8 | None:
        """Of a model of bytes: what holds a search to valid UTF-8, or else tells where a character
        ends in what may be no UTF-8.
        """
        if self.utf8 is not None or self.vocabulary.unit == "char":
            return self.utf8
        after = tolerant(transitions(self.vocabulary))
        return Utf8(after, np.ones(after.shape, np.bool_), phase_after(self.prime_text))

    def unique(self, count: int) -> Iterator[tuple[str, float]]:
        """Sequences that are different from each other and from those of the training text.

        They are the first such of samples of the seed; where `ATTEMPTS` for each do not have so
        many it is told, and fewer come.
        """
        require(count=count)
        pool, encode = self._reader(self._usual_length * count), self.vocabulary.encode
        scored = ((text, self._mean_nats(pool, [encode(text)])[0]) for text in self._unique(count))
        return limited(scored, 1)

    def unscored_unique(self, count: int) -> Iterator[str]:
        """The same without their nats."""
        require(count=count)
        return limited(self._unique(count), 1)

    def unique_texts(self, count: int) -> Iterator[str]:
        """The same with the prime and without what ends each; bytes decoded as UTF-8."""
        end = self.layout.boundary or ""
        for text in self.unscored_unique(count):
            whole = (self.prime_text + text).removesuffix(end).rpartition(end)[2]
            yield as_text(whole, self.vocabulary.unit)

    def _unique(self, count: int) -> Iterator[str]:
        end = self.layout.boundary or ""
        most, made, seen = max(ATTEMPTS * count, FEWEST_ATTEMPTS), 0, set[str]()
        wanted, known, repeated, unfinished = count, 0, 0, 0
        while wanted and made < most:
            indices = range(made, min(made + min(max(wanted, 8), TOGETHER), most))
            made = indices.stop
            self._require_held(self.length * len(indices))
            for text in self._texts(indices, self._usual_length * len(indices)):
                sequence = (self.prime_text + text).removesuffix(end).rpartition(end)[2]
                if not text.endswith(end):
                    unfinished += 1
                elif self.training_text is not None and self.training_text.has(sequence):
                    known += 1
                elif sequence in seen:
                    repeated += 1
                elif wanted:
                    seen.add(sequence)
                    wanted -= 1
                    yield text
        if wanted:
            cut = f", {unfinished} were not ended within the length" if unfinished else ""
            self.tell(
                f"{count - wanted} of {count} {self.layout.plural}: of {made} samples {known} "
                f"stand in the training text and {repeated} repeat another{cut}; a higher "
                f"{argument('temperature')} makes more of them new"
            )

    def copied(self, text: str) -> list[Copied]:
        """What of a sample, or of each of its sequences, is in the training text."""
        if self.training_text is None or not self.check_novelty:
            return []
        whole = text if self.boundary is None else self.prime_text + text
        unit = self.vocabulary.unit
        return [
            Copied(as_text(found.text, unit), found.known, as_text(found.span, unit))
            for found in self.training_text.look_up(whole)
        ]

    def _samples(self, count: int, best_of: int) -> Iterator[tuple[str, float]]:
        pool = self._reader(self._usual_length * count * best_of)
        candidates = list[tuple[str, float]]()
        for first in range(0, count * best_of, TOGETHER):
            indices = range(first, min(first + TOGETHER, count * best_of))
            texts = self._texts(indices, self._usual_length * count * best_of)
            encoded = [self.vocabulary.encode(text) for text in texts]
            nats = self._mean_nats(pool, encoded)
            candidates += zip(texts, nats, strict=True)
            while len(candidates) >= best_of:
                yield min(candidates[:best_of], key=lambda candidate: candidate[1])
                del candidates[:best_of]

    def _unscored(self, count: int) -> Iterator[str]:
        for first in range(0, count, TOGETHER):
            indices = range(first, min(first + TOGETHER, count))
            yield from self._texts(indices, self._usual_length * count)

    def _texts(self, indices: range, characters: int) -> list[str]:
        """Samples that are made side by side, each up to its end."""
        texts, truncations = [""] * len(indices), [Truncation(self.stop) for _ in indices]
        endings = [_Ending(self) for _ in indices]
        for chunk in self._chunks(indices, characters):
            for index, (ending, truncation) in enumerate(zip(endings, truncations, strict=True)):
                piece = ending.feed(self.vocabulary.decode(chunk[:, index]))
                texts[index] += truncation.feed(piece)
            if all(e.ended or t.ended for e, t in zip(endings, truncations, strict=True)):
                break
        return [text + truncation.held for text, truncation in zip(texts, truncations, strict=True)]

    def _reader(self, characters: int) -> WorkerPool:
        """What reads samples of so many characters again, for their nats."""
        return build.samples_reader(self.network, characters, self.workers)

    def _mean_nats(self, pool: WorkerPool, texts: list[Ids]) -> list[float]:
        """Nats per character by what is sampled from, at temperature 1."""
        if self.mixed is None:
            nats_of = partial(nats_of_rows, pool, beginning=self.beginning)
        else:
            nats_of = partial(
                mixed_nats_of_rows, pool.network, self.mixed, beginning=self.beginning
            )
        return mean_nats(nats_of, self.prime, texts, self.boundary)

    def _chunks(self, indices: range, characters: int) -> Iterator[Ids]:
        generate_steps = build.sampler(
            self.network, self.settings, self.boundary, characters, self.mixed, self.workers
        )
        steps = self.length
        if self.vocabulary.unit == "byte" and steps:  # to the end of the last character
            steps = UNENDING if self.utf8 else steps + LONGEST - 1
        return sample(
            self.network, self.prime, steps, generate_steps, self.seed, self.boundary, indices,
            self.mixed, self.utf8, self.beginning,
        )  # fmt: skip


class _Ending:
    """Where one sample ends by its length. `ended`: it has."""

    def __init__(self, sampler: Sampler) -> None:
        bytewise = sampler.vocabulary.unit == "byte"
        self._whole = WholeCharacters(sampler.length) if bytewise else None
        self._valid = ValidOnly(sampler.prime_text) if sampler.utf8 else None

    @property
    def ended(self) -> bool:
        return self._whole is not None and self._whole.ended

    def feed(self, piece: str) -> str:
        if self._valid is not None:
            piece = self._valid.feed(piece)
        return piece if self._whole is None else self._whole.feed(piece)
