"""Planning a run: the text is looked at, this machine measured, and the rule asked.

The rule is `data/planning.py`. What comes of it is an ordinary configuration: a run that is resumed
never plans again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

from charrnn import build
from charrnn.build.speed import interpolated, seconds_per_character
from charrnn.config import Config, flat
from charrnn.config.loading import dotted_layer, merged
from charrnn.data.corpus import Corpus
from charrnn.data.files import find_files
from charrnn.data.planning import (
    SLACK,
    Choice,
    Facts,
    Keys,
    choose,
    has_ngram,
    ngram_seconds,
    validation_share,
    windows,
)
from charrnn.data.suggestion import Suggestion, suggest
from charrnn.data.survey import survey, together
from charrnn.errors import DataError
from charrnn.nn.backends.availability import has_compiled
from charrnn.nn.network import Network
from charrnn.runs.mixtures import warm_up_mixture
from charrnn.runtime import memory
from charrnn.runtime.mpi_launch import started
from charrnn.runtime.progress import working

# Hidden units that are measured first, before those that are chosen; the smaller second is for a
# machine on which the larger would take more than a share of the time.
FIRST, SECOND, SMALLER, SECOND_SHARE = 96, 320, 32, 0.03
MEASURED = 20_000  # lines or records, at most
MEASURING, MEASURING_SHARE = 0.4, 0.01  # seconds for a width: so many at most, and of the time
BEFORE, AFTER = 0.5, 0.8  # seconds before the clock starts, and of small things after the plan
JOINING = 2.0  # seconds in which the other ranks have read what the first one made
EPOCH_SECONDS = 0.05  # to save and sample as an epoch ends
EVALUATION = 1 / 3  # of the time to learn a character, to evaluate one
EVALUATED_EVERY = 600.0  # seconds, in an epoch that takes longer
LEFT_FOR_NGRAM = 0.6  # of the minutes, once this machine is measured
LEAST_SHARE, LEAST_SECONDS = 0.1, 0.3  # that are trained however long the rest takes

Prepare = Callable[[Network], object]


@dataclass(frozen=True)
class Plan:
    """A configuration for a text and `minutes`, everything included.

    `speed`: characters a second that this machine learns; `passes`: how often each of the training
    part is read; `characters` it has; `held`: the keys that were set, and not chosen; `late`: most
    of the minutes had passed before it was made, and it takes longer than they are.
    """

    config: Config
    minutes: float
    speed: float
    passes: float
    characters: int
    held: Keys
    late: bool = False

    @property
    def settings(self) -> Keys:
        """The dotted keys that are not the defaults', texts apart."""
        before = flat(Config())
        found = flat(self.config)
        return {k: v for k, v in found.items() if v != before[k] and k != "data.text"}


@dataclass
class Planner:
    """Plans for so many minutes from `began`, as `time.perf_counter` has it.

    `held`: keys that were set, and stay. `prepare` compiles a network's loops, where it has any.
    """

    minutes: float
    began: float
    held: Keys = field(default_factory=dict)
    prepare: Prepare = build.warm_up
    ngram: bool = False  # whether one is planned

    def read_as(self, config: Config) -> Config:
        """With how the text is read: mode, unit, encoding and parts, as far as they are not held.

        It is `plan` that needs the text read.
        """
        return with_keys(config, data_keys(config, self.held, self.minutes))

    def plan(self, config: Config, corpus: Corpus) -> Plan:
        """The whole configuration."""
        facts = facts_of(corpus)
        own_windows = self._windows(facts)
        held = {**own_windows, **self.held}
        base = with_keys(config, {
            "model.num_layers": 1, "optim.ema_decay": 0.9, "train.minutes": self.minutes, **held,
        })  # fmt: skip
        fixed = self.held.get("model.hidden_size")
        machine = _Machine(self, base, corpus)
        with working("measuring this machine"):
            machine.look(FIRST if fixed is None else fixed)
            if fixed is None:
                machine.look(self._second(machine, facts, held))
            self._decide_on_ngram(facts)
            choice = self._choose(machine, facts, held)
            if fixed is None:
                machine.look(choice.hidden_size, with_keys(base, self._free(choice.keys)))
                choice = self._choose(machine, facts, held)
        keys = {
            **own_windows,
            **choice.keys,
            **_rhythm(choice, facts, machine.seconds(choice.hidden_size)),
            "ngram.order": "auto" if self.ngram else 0,
            "train.minutes": _rounded(self._training_seconds(machine, facts) / 60),
            "train.whole_epochs": not choice.by_clock,
        }
        return Plan(
            with_keys(config, self._free(keys)), self.minutes,
            1 / machine.seconds(choice.hidden_size), choice.passes, facts.characters, self.held,
            late=self._left(machine, facts) < self._least,
        )  # fmt: skip

    def _second(self, machine: _Machine, facts: Facts, held: Keys) -> int:
        width = held.get("bptt.k1", facts.characters / (facts.sequences or 1))
        per_update = width * held["train.batch_size"] * machine.seconds(FIRST)
        seconds = 3 * per_update * (SECOND / FIRST) ** 2
        return SECOND if seconds <= SECOND_SHARE * 60 * self.minutes else SMALLER

    def _windows(self, facts: Facts) -> Keys:
        keys = windows(facts, started().size)
        if self.held.get("bptt.mode") == "full":
            keys = {"train.batch_size": keys["train.batch_size"]}
        if "bptt.k1" in self.held:
            keys["bptt.k2"] = self.held["bptt.k1"]
        return self._free(keys)

    def _free(self, keys: Keys) -> Keys:
        return {key: value for key, value in keys.items() if key not in self.held}

    def _choose(self, machine: _Machine, facts: Facts, held: Keys) -> Choice:
        H = held.get("model.hidden_size")
        return choose(
            facts, self._training_seconds(machine, facts),
            epoch=_epoch(machine, facts), parameters=machine.parameters, held=held,
            **({} if H is None else {"sizes": [H]}),
        )  # fmt: skip

    def _training_seconds(self, machine: _Machine, facts: Facts) -> float:
        """For training, evaluations on the way included."""
        return max(self._left(machine, facts), self._least)

    @property
    def _least(self) -> float:
        """Seconds that are trained in any case."""
        return max(LEAST_SHARE * 60 * self.minutes, LEAST_SECONDS)

    def _left(self, machine: _Machine, facts: Facts) -> float:
        """Seconds that are neither past nor set aside."""
        total, spent = 60 * self.minutes, time.perf_counter() - self.began
        evaluation = EVALUATION * facts.validated * machine.slowest
        after = evaluation + AFTER + (JOINING if started().size > 1 else 0.0)
        if self.ngram:
            after += evaluation + ngram_seconds(facts, compiled=has_compiled())
        return total - BEFORE - spent - after

    def _decide_on_ngram(self, facts: Facts) -> None:
        """Once the loops of training are there. Those of the n-gram are compiled now, not at the
        end, so that the plan knows how long that took.
        """
        left = 60 * self.minutes - (time.perf_counter() - self.began)
        self.ngram = (
            bool(self.held["ngram.order"])
            if "ngram.order" in self.held
            else left > LEFT_FOR_NGRAM * 60 * self.minutes
            and has_ngram(facts, left, memory.total() or inf, compiled=has_compiled())
        )
        if self.ngram and has_compiled():
            warm_up_mixture(facts.K)


class Fitter(Planner):
    """Leaves a configuration as it is, but for the epochs: those that fit into the minutes."""

    def read_as(self, config: Config) -> Config:
        return config

    def plan(self, config: Config, corpus: Corpus) -> Plan:
        facts, H = facts_of(corpus), config.model.hidden_size
        self.held["ngram.order"] = config.ngram.order
        machine = _Machine(self, config, corpus)
        with working("measuring this machine"):
            machine.look(H)
            self._decide_on_ngram(facts)
        seconds, limit = self._training_seconds(machine, facts), config.train.epochs or inf
        fitting = SLACK * seconds / _epoch(machine, facts)(H)
        keys: Keys = {"train.minutes": _rounded(seconds / 60), "train.whole_epochs": fitting >= 1}
        if 1 <= fitting < limit:
            fitting = float(int(fitting))
            keys["train.epochs"] = fitting
        return Plan(
            with_keys(config, keys), self.minutes, 1 / machine.seconds(H), min(fitting, limit),
            facts.characters, {}, late=self._left(machine, facts) < self._least,
        )  # fmt: skip


class _Machine:
    """What training on this text takes here, by the hidden units of an otherwise equal network."""

    def __init__(self, planner: Planner, base: Config, corpus: Corpus) -> None:
        self._planner, self._base, self._corpus = planner, base, _part_of(corpus)
        self._measured: dict[int, float] = {}

    def look(self, H: int, config: Config | None = None) -> None:
        """Measure one width. Ranks share the streams: this one is measured with its own."""
        sized, ranks = _of_width(config or self._base, H), started().size
        own = max(sized.train.batch_size // ranks, 1)
        train = sized.train.model_copy(update={"batch_size": own})
        sized = sized.model_copy(update={"train": train})
        if not self._measured:
            self._planner.prepare(build.network(sized, self._corpus.vocabulary.K))
        seconds = min(MEASURING, MEASURING_SHARE * 60 * self._planner.minutes)
        self._measured[H] = seconds_per_character(sized, self._corpus, seconds) / ranks

    def seconds(self, H: int) -> float:
        """To learn a character."""
        return interpolated(self._measured, H)

    @property
    def slowest(self) -> float:
        """The most that was measured of any width."""
        return max(self._measured.values())

    def parameters(self, H: int) -> int:
        return build.parameter_count(_of_width(self._base, H), self._corpus.vocabulary.K)


def _part_of(corpus: Corpus) -> Corpus:
    """Enough of it to measure, so that millions of lines are not sorted for that."""
    if corpus.boundary is None:
        return corpus
    return replace(corpus, rows={**corpus.rows, "train": corpus.rows["train"][:MEASURED]})


def data_keys(config: Config, held: Mapping[str, Any], minutes: float) -> Keys:
    """What a look at the text says of how it is read."""
    found = _suggestion(config)
    if found is None:
        return {}
    keys, mode = dict(found[0].keys), found[0].keys.get("data.mode", "stream")
    if mode == "stream":
        share = validation_share(found[1], 60 * minutes)
        keys["data.split"] = [round(1 - share, 3), share, 0.0]
    if held.get("data.mode", mode) != mode:
        del keys["data.split"]
    if held.get("data.unit") == "byte":
        keys.pop("data.encoding", None)
    return {key: value for key, value in keys.items() if key not in held}


def _suggestion(config: Config) -> tuple[Suggestion, int] | None:
    """What a look at the files suggests, and their characters; None where that says nothing."""
    data = config.data
    encoding = "latin-1" if data.unit == "byte" else data.encoding
    try:
        files = find_files(data.text)
        with working("looking at the text") as done:
            found = together([
                survey(file, None if encoding == "utf-8" else encoding, done, keep=True)
                for file in files
            ])  # fmt: skip
    except DataError:  # which reading the text tells better
        return None
    suggestion = suggest(found) if len(found.encodings) == 1 else None
    return None if suggestion is None else (suggestion, found.characters)


def facts_of(corpus: Corpus) -> Facts:
    """What the rule asks of a text."""
    sequences = None if corpus.boundary is None else len(corpus.rows["train"])
    return Facts(
        corpus.characters("train"), corpus.characters("val"), corpus.vocabulary.K, sequences
    )


def _epoch(machine: _Machine, facts: Facts) -> Callable[[int], float]:
    """Seconds of an epoch, its evaluation included, by hidden units."""
    characters = facts.characters + EVALUATION * facts.validated
    return lambda H: EPOCH_SECONDS + characters * machine.seconds(H)


def _rhythm(choice: Choice, facts: Facts, seconds: float) -> Keys:
    """Evaluations and checkpoints within an epoch that takes long."""
    if facts.characters * seconds <= EVALUATED_EVERY:
        return {}
    every = max(int(EVALUATED_EVERY / (choice.characters_per_update * seconds)), 1)
    return {"train.eval_every": every, "train.checkpoint_every": every}


def _of_width(config: Config, H: int) -> Config:
    model = config.model.model_copy(update={"hidden_size": H})
    return config.model_copy(update={"model": model})


def _rounded(minutes: float) -> float:
    """About three digits, and not more than it was."""
    return float(f"{0.9995 * minutes:.4g}")


def with_keys(config: Config, keys: Mapping[str, Any]) -> Config:
    """The configuration with these dotted keys. Raises ConfigError."""
    layers = [dotted_layer(key, value, key) for key, value in keys.items()]
    return merged([(config.model_dump(exclude_unset=True), {}), *layers])
