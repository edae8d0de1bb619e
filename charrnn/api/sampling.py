"""Drawing samples: from what a caller asks to texts. `Model.sample` and `charrnn sample` run it."""

from __future__ import annotations

import codecs
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from charrnn import build
from charrnn.api.arguments import Spelled, in_range, one_of
from charrnn.data.corpus import BOUNDARY
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import UsageError
from charrnn.inference.endings import Ending
from charrnn.inference.sampling import Sampling, sample
from charrnn.inference.scoring import mean_nats
from charrnn.nn.network import Network
from charrnn.runtime.blas import limited
from charrnn.runtime.workers import WorkerPool

if TYPE_CHECKING:
    from charrnn.api.model import Model

Ids = NDArray[np.int32]
TOGETHER = 64  # samples that are drawn side by side
UNKNOWN = ("error", "skip", "map")


@dataclass(frozen=True)
class Drawing:
    """Samples of one model. `prime`: the ids that it reads first, of which it was `asked` some."""

    network: Network
    vocabulary: Vocabulary
    prime: Ids
    asked: Ids
    boundary: int | None
    length: int
    settings: Sampling
    seed: int
    ending: Ending

    def stream(self) -> Iterator[str]:
        """One sample, in pieces as they are drawn, in the vocabulary's symbols."""
        symbols, chunks = self.vocabulary.symbols, limited(self._chunks(range(1), self.length), 1)
        return self.ending.ready(symbols[i] for chunk in chunks for i in chunk[:, 0])

    def decoded(self, errors: str) -> Iterator[str]:
        """The same as text: the bytes of a model of bytes decoded as UTF-8."""
        if self.vocabulary.unit == "char":
            return self.stream()
        try:
            codecs.lookup_error(errors)
        except LookupError:
            raise UsageError(
                f"{errors!r} is no error handler", where="errors", then='for example "replace"'
            ) from None
        data = (piece.encode("latin-1") for piece in self.stream())
        return (text for text in codecs.iterdecode(data, "utf-8", errors) if text)

    def samples(self, count: int = 1, best_of: int = 1) -> Iterator[tuple[str, float]]:
        """Texts and their mean nats, each the best of some that are drawn side by side."""
        return limited(self._samples(count, best_of), 1)

    def _samples(self, count: int, best_of: int) -> Iterator[tuple[str, float]]:
        split, candidates = WorkerPool(self.network), list[tuple[str, float]]()
        for first in range(0, count * best_of, TOGETHER):
            indices = range(first, min(first + TOGETHER, count * best_of))
            chunks = self._chunks(indices, self.length * count * best_of)
            texts = _texts(self.vocabulary, chunks, len(indices), self.ending)
            encoded = [self.vocabulary.encode(text) for text in texts]
            nats = mean_nats(split, self.prime, encoded, self.boundary)
            candidates += zip(texts, nats, strict=True)
            while len(candidates) >= best_of:
                yield min(candidates[:best_of], key=lambda candidate: candidate[1])
                del candidates[:best_of]

    def _chunks(self, indices: range, characters: int) -> Iterator[Ids]:
        generate_steps = build.continuation(self.network, self.settings, self.boundary, characters)
        return sample(
            self.network, self.prime, self.length, generate_steps, self.seed, self.boundary, indices
        )


def draw(
    model: Model,
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
    spelled: Spelled = str,
    prime_name: str = "prime",
) -> Drawing:
    """How a model draws; the arguments are those of `Model.sample`, and are checked here.

    `prime`: in the vocabulary's symbols. `spelled` and `prime_name` name arguments in errors.
    """
    vocabulary, data = model.vocabulary, model.config.data
    in_range(spelled("length"), length, 0, whole=True)
    in_range(spelled("temperature"), temperature, 0)
    in_range(spelled("top_k"), top_k, 1, whole=True)
    in_range(spelled("top_p"), top_p, 0, 1, above=True)
    in_range(spelled("seed"), seed, 0, whole=True)
    in_range(spelled("lines"), lines, 1, whole=True)
    unknown = on_unknown or data.on_unknown
    one_of(spelled("on_unknown"), unknown, UNKNOWN)
    boundary = vocabulary.id(BOUNDARY) if data.mode == "lines" else None
    start = np.array([vocabulary.id(BOUNDARY) if BOUNDARY in vocabulary else 0], np.int32)
    asked = vocabulary.encode(prime, unknown, prime_name, spelled("on_unknown"))
    return Drawing(
        network=model.network(),
        vocabulary=vocabulary,
        prime=np.concatenate([start, asked]) if boundary is not None or not len(asked) else asked,
        asked=asked,
        boundary=boundary,
        length=length,
        settings=Sampling(temperature, top_k, top_p, allowed(vocabulary, allow, forbid, spelled)),
        seed=secrets.randbelow(2**31) if seed is None else seed,
        ending=Ending((as_symbols(stop, vocabulary.unit) for stop in stops), lines),
    )


def as_symbols(text: str | bytes, unit: str) -> str:
    """A text in a vocabulary's unit: for bytes, a character U+0000 to U+00FF for each."""
    if unit == "byte":
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        return data.decode("latin-1")
    if isinstance(text, str):
        return text
    raise UsageError(
        f"a text is a str, not {type(text).__name__}: bytes are for models of data.unit byte",
        then="for example: text.decode()",
    )


def allowed(
    vocabulary: Vocabulary, allow: str | bytes | None, forbid: str | bytes | None,
    spelled: Spelled = str,
) -> NDArray[np.bool_] | None:  # fmt: skip
    """Which ids may be drawn; None for all. UsageError where none is left."""
    if allow is None and forbid is None:
        return None
    mask = np.full(vocabulary.K, allow is None)
    if allow is not None:
        name = spelled("allow")
        mask[vocabulary.encode(as_symbols(allow, vocabulary.unit), "error", name, name)] = True
    for symbol in as_symbols(forbid or "", vocabulary.unit):
        if symbol in vocabulary:
            mask[vocabulary.id(symbol)] = False
    if not mask.any():
        names = f"{spelled('allow')} and {spelled('forbid')}"
        raise UsageError(f"{names} leave no character to draw")
    return mask


def _texts(vocabulary: Vocabulary, chunks: Iterator[Ids], count: int, ending: Ending) -> list[str]:
    """Samples that are drawn side by side, each up to its end."""
    texts, ended = [""] * count, [False] * count
    for chunk in chunks:
        for index, ids in enumerate(chunk.T):
            if not ended[index]:
                texts[index], ended[index] = ending.cut(texts[index] + vocabulary.decode(ids))
        if all(ended):
            break
    return texts
