"""Scoring a part of a text. `Model.evaluate` and `charrnn eval` run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from charrnn import build
from charrnn.api.arguments import require, require_codec
from charrnn.api.loaded import LoadedModel, training_corpus
from charrnn.api.showing import prepare, table
from charrnn.data.corpus import Corpus, Part, load_corpus
from charrnn.data.files import UndecodableError, find_files, text_encoding
from charrnn.data.utf8 import characters_of_text
from charrnn.data.vocabulary import LackingError, Unit, unit_name
from charrnn.errors import DataError, UsageError, argument, notice
from charrnn.inference.baseline import Baseline, HMMBaseline, baseline, hmm_baseline
from charrnn.inference.dynamic import evaluate_dynamically, evaluate_mixture_dynamically
from charrnn.inference.evaluation import evaluate as evaluate_part
from charrnn.inference.interval import Blocks
from charrnn.inference.metrics import Score
from charrnn.inference.mixture.evaluation import evaluate_mixture
from charrnn.inference.mixture.model import Mixture
from charrnn.nn.network import Network
from charrnn.runtime.workers import WorkerPool, threads

Tell = Callable[[str], None]
CONTEXT = 256  # characters of a cold window
LEARNING = 3  # times the work of reading


@dataclass(frozen=True)
class Evaluation:
    """Means over the `chars` of a split; see docs/eval.md.

    `interval`: a 95 % interval of the nats per character, None where the text is too short.
    `context`: of the protocol "cold". `dynamic`: the rate of learning. `baseline`: an n-gram's
    figures on the same characters; `hmm`: a hidden Markov model's. `used`: "network" or "mixture",
    and then `parts`: nats per character of the network and of the n-gram alone.

    `unit`: what the model reads. Of a model of bytes the figures above are per byte, `chars` counts
    bytes, and `characters_of_text` are those that begin in the same part of the text.
    """

    nats_per_char: float
    bits_per_char: float
    perplexity: float
    accuracy: float
    chars: int
    interval: tuple[float, float] | None
    split: str
    protocol: str
    context: int | None
    dynamic: float | None = None
    baseline: Baseline | None = None
    hmm: HMMBaseline | None = None
    used: str = "network"
    parts: dict[str, float] | None = None
    unit: Unit = "char"
    characters_of_text: int = 0

    @property
    def bits_per_character_of_text(self) -> float:
        """By which models of bytes and of characters can be compared."""
        return self.bits_per_char * self.chars / max(self.characters_of_text, 1)

    def values(self) -> dict[str, Any]:
        """The fields as `charrnn eval --format json` prints them."""
        fields = asdict(self)
        if self.dynamic is None:
            del fields["dynamic"]
        del fields["baseline"], fields["hmm"]
        if (other := self.baseline) is not None:
            fields["baseline"] = {
                "nats_per_char": other.nats_per_char, "bits_per_char": other.bits_per_char,
                "order": other.order, "smoothing": other.smoothing,
            }  # fmt: skip
        fields["bits_per_character_of_text"] = self.bits_per_character_of_text
        if self.hmm is not None:
            fields["hmm"] = asdict(self.hmm) | {"bits_per_char": self.hmm.bits_per_char}
        return fields

    def _repr_html_(self) -> str:
        one = unit_name(self.unit)
        return table("evaluation", {
            f"nats per {one}": f"{self.nats_per_char:.4f}",
            f"bits per {one}": f"{self.bits_per_char:.4f}",
            "bits per character of the text": f"{self.bits_per_character_of_text:.4f}",
            "perplexity": f"{self.perplexity:.3f}",
            "accuracy": f"{self.accuracy:.2%}",
            f"{one}s": f"{self.chars:,}, split {self.split}, protocol {self.protocol}",
        })  # fmt: skip


@dataclass(frozen=True)
class Task:
    """What is to be scored, and how: a part of a corpus; `cold`: the characters of a cold window.

    `baseline`: what the same characters cost an n-gram; `hmm`: a hidden Markov model. `mixture`:
    what scores, if not the network.
    """

    corpus: Corpus
    part: Part
    split: str
    protocol: str
    cold: int | None
    dynamic: float | None
    baseline: Baseline | None
    hmm: HMMBaseline | None
    mixture: Mixture | None = None


def evaluate(
    model: LoadedModel, files: tuple[str, ...] = (), split: str | None = None,
    protocol: str = "carried", context: int | None = None, *, dynamic: float | None = None,
    with_baseline: bool = False, hmm: int | None = None, on_unknown: Any = None,
    use: str | None = None, encoding: str | None = None,
    tell: Tell = notice,
) -> Evaluation:  # fmt: skip
    """Score a part of the model's text, or other files; raises UsageError and DataError."""
    task = prepare_evaluation(
        model, files, split, protocol, context, dynamic=dynamic, with_baseline=with_baseline,
        hmm=hmm, on_unknown=on_unknown, use=use, encoding=encoding, tell=tell,
    )  # fmt: skip
    return run_evaluation(model, task, tell)


def prepare_evaluation(
    model: LoadedModel, files: tuple[str, ...], split: str | None, protocol: str,
    context: int | None, *, dynamic: float | None, with_baseline: bool, hmm: int | None,
    on_unknown: Any, use: str | None = None, encoding: str | None = None, tell: Tell,
) -> Task:  # fmt: skip
    """Check what is asked and read its text."""
    split = split or ("all" if files else "val")
    require(
        split=split,
        protocol=protocol,
        context=context,
        dynamic=dynamic,
        on_unknown=on_unknown,
        hmm=hmm,
    )
    require_codec(encoding)
    if encoding is not None and not files:
        raise UsageError(f"{argument('encoding')} is for {argument('files')}")
    cold = _cold_window(model, protocol, context)
    if dynamic is not None and cold is not None:
        raise UsageError(
            f"{argument('dynamic')} reads one stream: it is for {argument('protocol', 'carried')}"
        )
    corpus = _corpus(
        model, files, split, on_unknown or model.config.data.on_unknown, encoding, tell
    )
    for text in corpus.notices:
        tell(text)
    if not files and split != "all" and not model.was_trained_on(corpus):
        tell("the text is not the one that the model was trained on")
    part: Any = "train" if split == "all" else split
    if not corpus.characters(part):
        raise DataError(
            f"the text has no {split} part: data.split is {list(model.config.data.split)}",
            then=f"choose another {argument('split')}, or score a text of its own with "
            f"{argument('files')}",
        )
    other = None
    if with_baseline:
        other = baseline(training_corpus(model, "baseline", tell), corpus, part)
    markov = None
    if hmm is not None:
        learned = training_corpus(model, "hmm", tell)
        markov = hmm_baseline(learned, corpus, part, hmm, model.config.train.seed)
    mixture = model.used_mixture(use, tell)
    return Task(corpus, part, split, protocol, cold, dynamic, other, markov, mixture)


def run_evaluation(model: LoadedModel, task: Task, tell: Tell) -> Evaluation:
    """Score it. With `dynamic`, it is a copy of the parameters that learns."""
    corpus, part, network, dynamic = task.corpus, task.part, model.network(), task.dynamic
    if dynamic is not None:
        network.params = network.params.over(network.params.flat.copy())
    work = 1 if dynamic is None else LEARNING
    build.use_compiled_if_worthwhile(network, model.config, work * corpus.characters(part))
    prepare(network, tell, learning=dynamic is not None)
    blocks = Blocks(sequences=corpus.boundary is not None)
    with threads(model.config.runtime.threads if dynamic is None else 1) as available:
        score, parts = _scores(network, task, blocks, available)
    return Evaluation(
        nats_per_char=score.nats_per_char, bits_per_char=score.bits_per_char,
        perplexity=score.perplexity, accuracy=score.accuracy, chars=score.chars,
        interval=blocks.interval(), split=task.split, protocol=task.protocol, context=task.cold,
        dynamic=dynamic, baseline=task.baseline, hmm=task.hmm,
        used="network" if parts is None else "mixture", parts=parts,
        unit=model.vocabulary.unit, characters_of_text=characters_of_text(corpus, part),
    )  # fmt: skip


def _scores(
    network: Network, task: Task, blocks: Blocks, available: int
) -> tuple[Score, dict[str, float] | None]:
    """The score, and where a mixture was used what its parts make of the same characters."""
    corpus, part, rate = task.corpus, task.part, task.dynamic
    if task.mixture is None:
        if rate is None:
            return _score_part(network, task, blocks, available), None
        return evaluate_dynamically(network, corpus, part, rate, blocks=blocks), None
    if rate is None:
        mixed = evaluate_mixture(
            WorkerPool(network), corpus, part, task.mixture.scorer(), cold=task.cold, blocks=blocks
        )
    else:
        learns = task.mixture.scorer("everything")
        mixed = evaluate_mixture_dynamically(network, corpus, part, rate, learns, blocks=blocks)
    return mixed.whole, mixed.parts


def _score_part(network: Network, task: Task, blocks: Blocks, available: int) -> Score:
    """Rows that do not depend on each other by several threads; one stream by what BLAS has."""
    corpus, part, cold = task.corpus, task.part, task.cold
    if corpus.boundary is None and cold is None:
        return evaluate_part(network, corpus, part, blocks=blocks)
    with threads(1):
        pool = WorkerPool(network, available)
        return evaluate_part(network, corpus, part, cold=cold, split=pool, blocks=blocks)


def _cold_window(model: LoadedModel, protocol: str, context: int | None) -> int | None:
    """Characters of a cold window; None for the carried protocol."""
    cold = argument("protocol", "cold")
    if context is not None and protocol != "cold":
        raise UsageError(f"{argument('context')} is for {cold}")
    if protocol == "cold" and model.layout.boundary is not None:
        raise UsageError(f"{cold} is for streams: every {model.layout.name} has a state of its own")
    return (context or CONTEXT) if protocol == "cold" else None


def _corpus(
    model: LoadedModel, files: tuple[str, ...], split: str, on_unknown: Any,
    encoding: str | None, tell: Tell,
) -> Corpus:  # fmt: skip
    data: dict[str, Any] = {"on_unknown": on_unknown}
    own = model.config.data
    if files:
        data["text"] = files
        if encoding is None and own.unit == "char":
            found = {text_encoding(path, own.encoding, tell) for path in find_files(files)}
            encoding = found.pop() if len(found) == 1 else None
    if encoding is not None:
        data["encoding"] = encoding
    if split == "all":
        data["split"] = (1.0, 0.0, 0.0)
    try:
        return load_corpus(model.config.data.model_copy(update=data), model.vocabulary)
    except LackingError as error:
        error.advise(argument("on_unknown"))
        raise
    except UndecodableError as error:
        error.advise("encoding")
        raise
