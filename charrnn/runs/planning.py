"""Planning a run: the text is looked at, this machine measured, and the rule asked.

The rule is `data/planning.py`. What comes of it is an ordinary configuration: a run that is resumed
never plans again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import inf

from charrnn import build
from charrnn.build.speed import Machine
from charrnn.config import Config, flat
from charrnn.config.loading import with_keys
from charrnn.data.corpus import Corpus
from charrnn.data.novelty import new_grams
from charrnn.data.planning import (
    SIZES,
    SLACK,
    WHOLE,
    Choice,
    Facts,
    Here,
    Keys,
    cell_of,
    characters_per_update,
    choose,
    epochs_of,
    has_ngram,
    ngram_seconds,
    windows,
    with_spare,
)
from charrnn.nn.backends.availability import has_compiled
from charrnn.nn.network import Network
from charrnn.runs.looking import data_keys, facts_of
from charrnn.runs.mixtures import warm_up_mixture
from charrnn.runtime import memory
from charrnn.runtime.mpi_launch import started
from charrnn.runtime.progress import working

# Hidden units that are measured first, before those that are chosen; the smaller second is for a
# machine on which the larger would take more than a share of the time.
FIRST, SECOND, SMALLER, SECOND_SHARE = 96, 320, 32, 0.03
MEASURING, MEASURING_SHARE = 0.4, 0.01  # seconds for a width: so many at most, and of the time
BEFORE, AFTER = 0.5, 0.8  # seconds before the clock starts, and of small things after the plan
JOINING = 2.0  # seconds in which the other ranks have read what the first one made
EPOCH_SECONDS = 0.05  # to save and sample as an epoch ends
SAVED_EVERY = 600.0  # seconds, in an epoch that takes longer
BETWEEN_EVALUATIONS = 50  # times as long as one takes, in such an epoch
LEFT_FOR_NGRAM = 0.6  # of the minutes, once this machine is measured
LEAST_SHARE, LEAST_SECONDS = 0.1, 0.3  # that are trained however long the rest takes

Prepare = Callable[[Network], object]


@dataclass(frozen=True)
class Plan:
    """A configuration for a text and `minutes`, everything included.

    `speed`: characters a second that this machine learns; `passes`: how often each of the training
    part is read; `characters` it has; `held`: the keys that were set, and not chosen; `late`: most
    of the minutes had passed before it was made, and the run takes longer than they are; `at_most`:
    more passes are not to be, however long there is time. `new`: the share of a stream's validated
    grams that are new, None where nothing goes by it.
    """

    config: Config
    minutes: float
    speed: float
    passes: float
    characters: int
    held: Keys
    late: bool = False
    at_most: bool = False
    new: float | None = None

    @property
    def settings(self) -> Keys:
        """The dotted keys that are not the defaults', texts apart, and the size in any case."""
        before = flat(Config())
        found = flat(self.config)
        return {
            k: v for k, v in found.items()
            if (v != before[k] and k != "data.text") or k == "model.hidden_size"
        }  # fmt: skip


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

        The text itself is not read for it, but by who calls `plan`.
        """
        return with_keys(config, data_keys(config, self.held, self.minutes))

    def plan(self, config: Config, corpus: Corpus) -> Plan:
        """The whole configuration."""
        facts, fixed = facts_of(corpus), self.held.get("model.hidden_size")
        if facts.sequences is None:
            facts = replace(facts, new=new_grams(corpus))

        here = self._here(config)
        shared = {**cell_of(facts, self.held), **windows(facts, here, self.held), **self.held}

        def sized(H: int) -> Config:
            """What is measured at H hidden units."""
            return with_keys(config, {
                "model.num_layers": 1, "optim.ema_decay": 0.9, "train.minutes": self.minutes,
                "model.hidden_size": H, **shared,
            })  # fmt: skip

        machine = self._machine(sized, corpus)

        with working("measuring this machine"):
            machine.measure(FIRST if fixed is None else fixed)
            if fixed is None:
                machine.measure(self._second(machine, characters_per_update(facts, shared)))
            self._decide_on_ngram(facts, self.held.get("ngram.order"))
            choice = self._choose(machine, facts, here)
            if fixed is None:
                H = choice.hidden_size
                machine.measure(H, with_keys(sized(H), choice.keys))
                choice = self._choose(machine, facts, here)
        H = choice.hidden_size
        seconds = self._training_seconds(machine, facts)(H)
        keys = {
            **choice.keys,
            **_rhythm(choice, facts, machine),
            "ngram.order": "auto" if self.ngram else 0,
            "train.minutes": _rounded(seconds / 60),
            "train.whole_epochs": not choice.by_clock,
        }
        return Plan(
            with_keys(config, {k: v for k, v in keys.items() if k not in self.held}), self.minutes,
            1 / machine.learning(H), choice.passes, facts.characters, self.held,
            late=seconds <= self._least, at_most=choice.at_most, new=facts.new,
        )  # fmt: skip

    def _here(self, config: Config) -> Here:
        keys = {"model.hidden_size": SIZES[0], **self.held}
        compiled = build.is_compiled(with_keys(config, keys))
        return Here("compiled" if compiled else "numpy", started().size)

    def _machine(self, sized: Callable[[int], Config], corpus: Corpus) -> Machine:
        seconds = min(MEASURING, MEASURING_SHARE * 60 * self.minutes)
        return Machine(sized, corpus, seconds, self.prepare)

    def _second(self, machine: Machine, update: float) -> int:
        seconds = 3 * update * machine.learning(FIRST) * (SECOND / FIRST) ** 2
        return SECOND if seconds <= SECOND_SHARE * 60 * self.minutes else SMALLER

    def _choose(self, machine: Machine, facts: Facts, here: Here) -> Choice:
        fixed = self.held.get("model.hidden_size")
        return choose(
            facts, seconds=self._training_seconds(machine, facts), epoch=_epoch(machine, facts),
            parameters=machine.parameters, held=self.held, here=here,
            sizes=SIZES if fixed is None else [fixed],
        )  # fmt: skip

    def _training_seconds(self, machine: Machine, facts: Facts) -> Callable[[int], float]:
        """By hidden units, the seconds from now on to train in, with evaluations on the way."""
        left = self._left(facts)
        return lambda H: max(left - self._end(machine, facts, H), self._least)

    @property
    def _least(self) -> float:
        """Seconds that are trained in any case."""
        return max(LEAST_SHARE * 60 * self.minutes, LEAST_SECONDS)

    def _left(self, facts: Facts) -> float:
        """Seconds that are neither past nor set aside for what takes as long at any size."""
        total, spent = 60 * self.minutes, time.perf_counter() - self.began
        after = AFTER + (JOINING if started().size > 1 else 0.0)
        if self.ngram:
            after += ngram_seconds(facts, compiled=has_compiled())
        return total - BEFORE - spent - after

    def _end(self, machine: Machine, facts: Facts, H: int) -> float:
        """Seconds of a last evaluation, and one for the mixture."""
        return facts.validated * machine.evaluating(H) * (1 + self.ngram)

    def _decide_on_ngram(self, facts: Facts, order: int | str | None) -> None:
        """Of the `order` that is set, or else, where there is time for one, once the loops of
        training are there. Those of the n-gram are compiled now, so that the plan knows how long
        that took.
        """
        left = 60 * self.minutes - (time.perf_counter() - self.began)
        self.ngram = (
            bool(order)
            if order is not None
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
        machine = self._machine(lambda _: config, corpus)
        with working("measuring this machine"):
            machine.measure(H)
            self._decide_on_ngram(facts, config.ngram.order)
        seconds = self._training_seconds(machine, facts)(H)
        limit = min(config.train.epochs or inf, self._epochs_of_steps(config, facts))
        fitting = SLACK * seconds / _epoch(machine, facts)(H)
        whole = fitting >= min(WHOLE, limit)
        keys: Keys = {"train.minutes": _rounded(seconds / 60), "train.whole_epochs": whole}
        if whole and fitting < limit:
            fitting = float(int(fitting))
            keys["train.epochs"] = with_spare(fitting, limit)
        return Plan(
            with_keys(config, keys), self.minutes, 1 / machine.learning(H), min(fitting, limit),
            facts.characters, {}, late=seconds <= self._least, at_most=fitting >= limit,
        )  # fmt: skip

    def _epochs_of_steps(self, config: Config, facts: Facts) -> float:
        return epochs_of(config.train.steps, facts, characters_per_update(facts, flat(config)))


def _epoch(machine: Machine, facts: Facts) -> Callable[[int], float]:
    """Seconds of an epoch, its evaluation included, by hidden units."""

    def seconds(H: int) -> float:
        return (
            EPOCH_SECONDS
            + facts.characters * machine.learning(H)
            + facts.validated * machine.evaluating(H)
        )

    return seconds


def _rhythm(choice: Choice, facts: Facts, machine: Machine) -> Keys:
    """Checkpoints and evaluations within an epoch that takes long."""
    H = choice.hidden_size
    update = choice.characters_per_update * machine.learning(H)
    between = max(SAVED_EVERY, BETWEEN_EVALUATIONS * facts.validated * machine.evaluating(H))
    every = {"train.checkpoint_every": SAVED_EVERY, "train.eval_every": between}
    epoch = facts.characters * machine.learning(H)
    return {key: max(int(s / update), 1) for key, s in every.items() if s < epoch}


def _rounded(minutes: float) -> float:
    """About three digits, and not more than it was."""
    return float(f"{0.9995 * minutes:.4g}")
