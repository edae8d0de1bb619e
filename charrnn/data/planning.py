"""The rule of a plan: from a text, a machine's speed and the seconds there are to settings.

Pure arithmetic, so that it can be read, and tested, at one look; docs/planning.md has the formulas,
and what they were measured on. `runs/planning.py` brings the numbers and makes a configuration.

    passes     p(H) = 0.95 s / e(H), of s seconds, where an epoch of N characters takes e(H)
    epochs     ⌊p(H)⌋ from 2 on, to a bound; below 2 p(H) itself, and the clock ends the run;
               a quarter more are allowed, should they fit
    size       the largest H for which so many characters are read for each parameter, or the text
               is read so often, with at most so many parameters for a character of the text; a
               somewhat smaller one, where p is 2 for it and the run so ends with an epoch
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf
from typing import Any, Literal

Points = Sequence[tuple[float, float]]
Keys = dict[str, Any]
NOTHING: Mapping[str, Any] = {}

UPDATE = 768  # characters of an update: 16 streams in windows of 48
SIZES = (
    32, 48, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 512, 576, 640, 704, 768,
)  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """The numbers of one kind of text. Lists of pairs are joined by straight lines.

    `cell`: keys of the LSTM. `streams`: how many side by side, by the kernels. `window`: its
    characters, None for whole sequences. `dropout`, `weight_dropout`, `known`, `final`,
    `rate_factor`, `beta2` and `weight_decay` go by passes, `rate` by hidden units and characters of
    an update. `novelty` goes by the share of grams that are new, of a stream; it multiplies
    `weight_dropout`, and `dropout` is multiplied by known + (1 - known) · novelty.
    """

    cell: Keys
    streams: Mapping[str, int]
    window: int | None
    fewest_updates: int  # of an epoch, for which a short text has fewer streams
    read_per_parameter: float
    often: float  # passes, beyond which another one brings less than a larger model
    parameters_per_character: float
    most_epochs: int
    dropout: Points
    weight_dropout: Points
    novelty: Points
    known: Points
    final: Points
    rate_factor: Points
    other_cell: float  # of the rate, for a GRU or an RNN, however many passes
    rate: Callable[[int, float], float]
    beta2: Points
    weight_decay: Points
    warmup: int
    grad_clip: float


STREAM = Rule(
    cell={"model.coupled_gates": True},
    streams={"compiled": 16, "numpy": 32}, window=48, fewest_updates=100,
    read_per_parameter=8, often=20, parameters_per_character=12, most_epochs=120,
    dropout=((0, 0.05), (1, 0.1), (2, 0.1), (5, 0.25), (9, 0.4), (20, 0.5)),
    weight_dropout=((5, 0), (9, 0.15), (20, 0.3), (40, 0.5)), novelty=((0.08, 0), (0.16, 1)),
    known=((9, 0.75), (20, 1)),
    final=((4, 0.5), (12, 0.2)),
    rate_factor=((2, 0.67), (5, 1)), other_cell=0.67,
    rate=lambda H, update: (
        1.2e-2 * min(384 / H, 1) ** 0.5 * min(update / UPDATE, 2) ** (1 / 3)
    ),
    beta2=((5, 0.999), (9, 0.99)), weight_decay=((2, 0), (5, 0.02)),
    warmup=100, grad_clip=0.5,
)  # fmt: skip
# Lines and records of few characters: configs/recipes/names.yaml where there is time for it.
SEQUENCES = Rule(
    cell={},
    streams={"compiled": 32, "numpy": 32}, window=None, fewest_updates=30,
    read_per_parameter=8, often=20, parameters_per_character=1.1, most_epochs=30,
    dropout=((2, 0), (6, 0.2), (25, 0.4)),
    weight_dropout=((4, 0), (25, 0.4)), novelty=((0, 1),),
    known=((0, 1),),
    final=((0, 0),),
    rate_factor=((0, 1),), other_cell=1,
    rate=lambda H, update: min(4e-3 * (200 / H) ** 0.5, 8e-3),
    beta2=((0, 0.999),), weight_decay=((0, 0),),
    warmup=50, grad_clip=1.0,
)  # fmt: skip
MOST_BETA2 = 0.999
SHORT = 100  # characters of a sequence, on average, that is learned whole
# By dropped recurrent weights, what of the weight decay is left beside them.
BESIDE_DROPPED = ((0, 1), (0.15, 0.5))
AVERAGED, MOST_DECAY = 10.0, 0.998  # updates that the mean of the weights leaves out of a short run
WARMUP_SHARE = 0.05  # of all updates, at most
SLACK = 0.95  # of the seconds, that the epochs are planned to take
SPARE = 1.25  # times the epochs: so many a run may have, where the machine turns out to be faster
WHOLE = 2  # passes, from which on a run ends with an epoch; of fewer a fraction is too much to lose
ALMOST = 0.8  # of the hidden units: so many at least, where they make a run end with an epoch
VALIDATED_PER_SECOND = 10_000  # characters of a stream to validate, at most, by all the seconds
FEWEST_VALIDATED = 50_000
NGRAM_SHARE = 0.15  # of the seconds, that counting and mixing an n-gram may take
NGRAM_BYTES = 56  # a character, while it is counted
# Seconds of the n-gram: to begin, for each character counted, and each that is scored.
NGRAM = {"compiled": (1.0, 1.2e-6, 4e-6), "numpy": (0.5, 8e-6, 60e-6)}


@dataclass(frozen=True)
class Facts:
    """A text, as far as the rule asks: `characters` to train on, `validated`, and the symbols K.

    `sequences`: lines or records among them, None of a stream. `new`: the share of the validated
    grams that the text to train on lacks (`data/novelty.py`); None, where nobody counted, is all.
    """

    characters: int
    validated: int
    K: int
    sequences: int | None = None
    new: float | None = None


@dataclass(frozen=True)
class Here:
    """What computes, as far as the rule asks: the `kernels`, and the MPI ranks that share streams.

    NumPy reads half as many characters again, or twice as many, with 32 streams instead of 16, the
    compiled kernels a fifth more (docs/recipes.md).
    """

    kernels: Literal["compiled", "numpy"] = "compiled"
    ranks: int = 1


ALONE = Here()


@dataclass(frozen=True)
class Choice:
    """What was chosen: `keys` of a configuration.

    `passes`: how often each character is read, as planned; `train.epochs` allows a few more, should
    they fit. `by_clock`: they are few, and the clock ends the run within an epoch. `at_most`: more
    are not to be, however long there is time.
    """

    keys: Keys
    hidden_size: int
    passes: float
    characters_per_update: float
    by_clock: bool
    at_most: bool


def rule_of(facts: Facts) -> Rule:
    """The rule for this kind of text."""
    count = facts.sequences
    return SEQUENCES if count and facts.characters <= SHORT * count else STREAM


def cell_of(facts: Facts, held: Mapping[str, Any]) -> Keys:
    """The kind of LSTM, where no other cell is held."""
    own = held.get("model.cell", "lstm") == "lstm" and held.get("model.forget_gate", True)
    keys = rule_of(facts).cell if own else {}
    return {key: value for key, value in keys.items() if key not in held}


def windows(facts: Facts, here: Here, held: Mapping[str, Any] = NOTHING) -> Keys:
    """The streams side by side and their window, but for what is held."""
    rule = rule_of(facts)
    k1 = rule.window
    keys: Keys = {}
    if "bptt.k1" in held:
        keys = {"bptt.k2": held["bptt.k1"]}
    elif k1 is None:
        keys = {"bptt.mode": "full"}
    elif held.get("bptt.mode") != "full":
        k1 = min(k1, held.get("bptt.k2") or k1)
        keys = {"bptt.k1": k1, "bptt.k2": k1}
    per_stream = held.get("bptt.k1") or k1 or facts.characters / (facts.sequences or 1)
    most = int(facts.characters / (per_stream * rule.fewest_updates))
    keys["train.batch_size"] = max(min(rule.streams[here.kernels], most), 2, here.ranks)
    return {key: value for key, value in keys.items() if key not in held}


def characters_per_update(facts: Facts, keys: Mapping[str, Any]) -> float:
    """About how many one has with these keys, what is held among them."""
    whole = facts.characters / (facts.sequences or 1)
    width = keys.get("bptt.k1", whole) if keys.get("bptt.mode") != "full" else whole
    return float(min(width * keys["train.batch_size"], facts.characters))


def validation_share(characters: int, seconds: float) -> float:
    """The share of a stream that validates: a tenth, of a long text only what there is time for."""
    most = max(VALIDATED_PER_SECOND * seconds, FEWEST_VALIDATED)
    return min(0.1, floor(1e3 * most / max(characters, 1)) / 1e3 or 1e-3)


def choose(
    facts: Facts, *, seconds: Callable[[int], float], epoch: Callable[[int], float],
    parameters: Callable[[int], int], held: Mapping[str, Any], sizes: Sequence[int] = SIZES,
    here: Here = ALONE,
) -> Choice:  # fmt: skip
    """Settings for some seconds of training.

    By hidden units, `seconds` there are, `epoch` is those that one takes, and `parameters` a count.
    `held`: keys that are not to be chosen.
    """
    rule, N = rule_of(facts), facts.characters
    own_windows = windows(facts, here, held)
    per_update = characters_per_update(facts, {**own_windows, **held})
    most_epochs = min(held.get("train.epochs") or inf, rule.most_epochs)
    most = min(most_epochs, epochs_of(held.get("train.steps"), facts, per_update))

    def passes(H: int) -> float:
        return SLACK * max(seconds(H), 0.0) / epoch(H)

    def read(H: int) -> float:
        """How often each character is read."""
        found = passes(H)
        return float(min(floor(found) if found >= WHOLE else found, most))

    def fits(H: int) -> bool:
        return (
            read(H) >= min(rule.often, most)
            or read(H) * N >= rule.read_per_parameter * parameters(H)
        ) and parameters(H) <= rule.parameters_per_character * N

    def whole(H: int) -> bool:
        return passes(H) >= min(WHOLE, most)

    H = max(filter(fits, sizes), default=min(sizes))
    # A run that ends with an epoch is worth a somewhat smaller model.
    H = max((one for one in sizes if ALMOST * H <= one <= H and whole(one)), default=H)
    done, by_clock = read(H), not whole(H)
    dropped = _dropout(rule, done, facts.new, held)
    keys = {
        **cell_of(facts, held),
        **own_windows,
        "model.hidden_size": H,
        "model.num_layers": 1,
        **dropped,
        **_optimiser(rule, H, done, N, per_update, {**dropped, **held}),
        "train.epochs": None if by_clock or most < most_epochs else with_spare(done, most),
        "train.on_divergence": "rollback",
    }
    free = {k: v for k, v in keys.items() if k not in held}
    return Choice(free, H, done, per_update, by_clock, done >= most)


def epochs_of(steps: int | None, facts: Facts, per_update: float) -> float:
    """How many epochs so many updates are; of None there is no end."""
    return inf if steps is None else steps * per_update / facts.characters


def with_spare(epochs: float, most: float) -> float:
    """The epochs that a run may have, of which so many are planned."""
    return float(min(ceil(SPARE * epochs), most))


def _dropout(rule: Rule, passes: float, new: float | None, held: Mapping[str, Any]) -> Keys:
    novelty = 1 if new is None else between(rule.novelty, new)
    weight_dropout = novelty * between(rule.weight_dropout, passes)
    known = between(rule.known, passes)
    share = known + (1 - known) * novelty
    dropout = round(share * between(rule.dropout, passes), 2)
    return {
        "model.dropout": dropout,
        "model.variational_dropout": held.get("model.dropout", dropout) > 0,
        "model.weight_dropout": round(weight_dropout, 2),
    }


def _optimiser(
    rule: Rule, H: int, passes: float, N: int, per_update: float, held: Mapping[str, Any]
) -> Keys:  # fmt: skip
    """Adam's rate and what goes with it; of another optimiser, which is held, the rate is too."""
    updates = max(passes * N / per_update, 1.0)
    keys: Keys = {
        "optim.grad_clip": rule.grad_clip,
        "optim.ema_decay": average_decay(updates),
        "optim.schedule.warmup_steps": min(rule.warmup, int(WARMUP_SHARE * updates)),
    }
    left = between(BESIDE_DROPPED, held["model.weight_dropout"])
    decay = round(left * between(rule.weight_decay, passes), 3)
    name = "adamw" if held.get("optim.weight_decay", decay) else "adam"
    name = keys["optim.name"] = held.get("optim.name", name)
    if name == "adamw":
        keys["optim.weight_decay"] = decay
    if name in ("adam", "adamw"):
        lstm = held.get("model.cell", "lstm") == "lstm"
        factor = between(rule.rate_factor, passes) if lstm else rule.other_cell
        rate = factor * rule.rate(H, per_update)
        keys["optim.learning_rate"] = float(f"{rate:.2g}")
        # Of smaller updates more are remembered: about as many characters.
        forgotten = (1 - between(rule.beta2, passes)) * min(per_update / UPDATE, 1)
        keys["optim.beta2"] = round(1 - max(forgotten, 1 - MOST_BETA2), 5)
    if held.get("optim.schedule.name", "cosine") == "cosine":
        keys["optim.schedule.name"] = "cosine"
        keys["optim.schedule.final"] = round(between(rule.final, passes), 2)
    return keys


def average_decay(updates: float) -> float | None:
    """The decay of the mean of the weights; none where the run is too short for one."""
    decay = min(MOST_DECAY, 1 - AVERAGED / updates)
    return float(f"{decay:.3f}") if decay >= 0.5 else None


def between(points: Points, x: float) -> float:
    """The value at x of straight lines from point to point; before and after them it stays."""
    before = points[0]
    for point in points:
        if x <= point[0]:
            share = (x - before[0]) / ((point[0] - before[0]) or 1)
            return before[1] + max(share, 0.0) * (point[1] - before[1])
        before = point
    return before[1]


def ngram_seconds(facts: Facts, *, compiled: bool) -> float:
    """About how long it takes to count an n-gram, and to mix it in while the rest is scored."""
    begin, counted, scored = NGRAM["compiled" if compiled else "numpy"]
    return begin + counted * facts.characters + scored * facts.validated


def has_ngram(facts: Facts, seconds: float, memory: float, *, compiled: bool) -> bool:
    """Whether there is time and memory for one, of `seconds` and bytes in all."""
    return (
        ngram_seconds(facts, compiled=compiled) <= NGRAM_SHARE * seconds
        and NGRAM_BYTES * facts.characters <= memory / 2
    )
