"""Sampling: from what a caller asks to texts. `Model.sample` and `charrnn sample` run it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn import build
from charrnn.api.arguments import require
from charrnn.api.loaded import LoadedModel, as_symbols, training_corpus
from charrnn.api.sampler import Sampler
from charrnn.config.schema import RECORD_END
from charrnn.data.utf8 import able, phase_after, transitions
from charrnn.data.vocabulary import Vocabulary, describe
from charrnn.errors import UsageError, argument, call, notice
from charrnn.inference.beginning import Beginning
from charrnn.inference.memorization import TrainingText
from charrnn.inference.mixed_sampling import WeightedMixture
from charrnn.inference.sampling import (
    Sampling,
    StopConditions,
    writable,
)
from charrnn.inference.valid_sampling import Utf8

LENGTH, RECORD_LENGTH = 2000, 10_000  # characters of a sample, and of each record, at most


def prepare_sampler(
    model: LoadedModel,
    prime: str,
    *,
    length: int | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    stops: Iterable[str | bytes] = (),
    lines: int | None = None,
    records: int | None = None,
    unique: bool = False,
    allow: str | bytes | None = None,
    forbid: str | bytes | None = None,
    on_unknown: Any = None,
    check_novelty: bool = False,
    valid: bool = False,
    use: str | None = None,
    ngram_weight: float | None = None,
    initial_state: str | None = None,
    prime_name: str = "prime",
    tell: Callable[[str], None] = notice,
) -> Sampler:
    """How a model samples; the arguments are those of `Model.sample`, and are checked here.

    `prime`: in the vocabulary's symbols, given as the argument `prime_name`.
    """
    vocabulary = model.vocabulary
    require(
        length=length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed, lines=lines,
        records=records, on_unknown=on_unknown, ngram_weight=ngram_weight,
        initial_state=initial_state,
    )  # fmt: skip
    mixed = _mixed(model, use, ngram_weight, tell)
    layout = model.layout
    boundary = layout.boundary_id(vocabulary)
    if boundary is None and (unique or records is not None):
        raise UsageError(
            f"{argument('unique' if unique else 'records')} is for models of records or lines, and "
            "this one is of a stream",
            then="see data.mode; a stream is ended by the arguments length, lines and stop",
        )
    if records is not None and length is None:
        length = records * RECORD_LENGTH
    asked = _encoded(model, prime, on_unknown, argument(prime_name), tell)
    beginning = model.beginning(initial_state)
    start = np.array([beginning.id], np.int32)
    mask = allowed_ids(vocabulary, allow, forbid)
    if mask is not None and layout.boundary == RECORD_END:
        mask[boundary] = True  # which nobody can type
    settings = Sampling(temperature, top_k, top_p, mask)
    prime_text = vocabulary.decode(asked)
    corpus = None
    if check_novelty or unique:
        corpus = training_corpus(model, "unique" if unique else "check_novelty", tell)
    # From zeros a stream that has a prime begins with it.
    alone = boundary is None and beginning.is_zero and len(asked) > 0
    whole = asked if alone else np.concatenate([start, asked[_repeated(asked, model, beginning) :]])
    network = model.network()
    build.use_compiled_if_worthwhile(network, model.config, len(whole))
    return Sampler(
        network=network,
        vocabulary=vocabulary,
        layout=layout,
        beginning=beginning,
        prime=whole,
        prime_text=prime_text,
        boundary=boundary,
        length=LENGTH if length is None else length,
        settings=settings,
        seed=secrets.randbelow(2**31) if seed is None else seed,
        stop=StopConditions(_stop_texts(stops, model, tell), lines, records, layout.boundary),
        tell=tell,
        training_text=None if corpus is None else TrainingText(corpus),
        check_novelty=check_novelty,
        mixed=mixed,
        utf8=_utf8(vocabulary, settings.allowed, prime_text, tell) if valid else None,
        workers=build.available_threads(model.config),
    )


def _mixed(
    model: LoadedModel, use: str | None, ngram_weight: float | None, tell: Callable[[str], None]
) -> WeightedMixture | None:
    mixture = model.used_mixture(use, tell)
    if mixture is not None:
        return WeightedMixture(mixture, 1.0 if ngram_weight is None else ngram_weight)
    if ngram_weight is not None:
        raise UsageError(
            f"{argument('ngram_weight')} is for a run with an n-gram",
            then=f"to add one: {call('mix', 'RUN')}",
        )
    return None


def _encoded(
    model: LoadedModel, prime: str, on_unknown: Any, where: str, tell: Callable[[str], None]
) -> NDArray[np.int32]:
    """The prime's ids; it is told how many stand for what the vocabulary lacks."""
    vocabulary = model.vocabulary
    how = on_unknown or model.config.data.on_unknown
    ids = vocabulary.encode(prime, how, where, argument("on_unknown"))
    if vocabulary.unknown is not None:
        unknown = np.count_nonzero(ids == vocabulary.id(vocabulary.unknown))
        if unknown:
            tell(f"{where}: {unknown:,} of its characters are unknown to the model")
    return ids


def _repeated(asked: NDArray[np.int32], model: LoadedModel, beginning: Beginning) -> int:
    """Line ends that a prime begins with, and its beginning ends with: read once."""
    text = model.vocabulary.decode(asked[: beginning.line_ends].tolist())
    return len(text) - len(text.lstrip("\r\n"))


def _utf8(
    vocabulary: Vocabulary, allowed: NDArray[np.bool_] | None, prime: str,
    tell: Callable[[str], None],
) -> Utf8 | None:  # fmt: skip
    """What holds samples to valid UTF-8. Raises UsageError where nothing valid may be sampled."""
    if vocabulary.unit == "char":
        tell(f"{argument('valid')} has no effect: a model of characters writes no other")
        return None
    after, phase = transitions(vocabulary), phase_after(prime)
    possible = able(after, np.ones(vocabulary.K, np.bool_) if allowed is None else allowed)
    if not possible[0].any() or not possible[phase].any():
        raise UsageError(
            f"{argument('valid')}: no valid character can be made of the bytes that may be sampled"
        )
    return Utf8(after, possible, phase)


def _stop_texts(
    stops: Iterable[str | bytes], model: LoadedModel, tell: Callable[[str], None]
) -> list[str]:
    """Texts that end a sample, in the vocabulary's symbols; it is told which of them never do."""
    vocabulary = model.vocabulary
    texts = [model.symbols(stop, "stop") for stop in stops]
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
    text = model.symbols(prime, "prime")
    return prepare_sampler(model, text, length=0, **options).next_characters()[1]


def likeliest(
    model: LoadedModel, prime: str | bytes, top: int, use: str | None = None
) -> list[tuple[str, float]]:
    """The `top` likeliest characters after a prime and their probabilities, the likeliest first."""
    p = next_probabilities(model, prime, use=use)
    order = np.argsort(-p, kind="stable")[: max(top, 0)]
    return [(model.layout.shown(model.vocabulary.symbols[i]), float(p[i])) for i in order]
