"""Scoring a part of a text. `Model.evaluate` and `charrnn eval` run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from charrnn import build
from charrnn.api.arguments import Spelled, in_range, one_of
from charrnn.api.sampling import UNKNOWN
from charrnn.api.showing import prepare, table
from charrnn.config import Config
from charrnn.data.corpus import Corpus, Part, load_corpus
from charrnn.data.vocabulary import LackingError
from charrnn.errors import DataError, UsageError, notice
from charrnn.inference.dynamic import evaluate_dynamically
from charrnn.inference.evaluation import evaluate as evaluate_part
from charrnn.inference.interval import Blocks
from charrnn.runtime.blas import threads

if TYPE_CHECKING:
    from charrnn.api.model import Model

CONTEXT = 256  # characters of a cold window
LEARNING = 3  # times the work of reading
SPLITS = ("train", "val", "test", "all")
PROTOCOLS = ("carried", "cold")


@dataclass(frozen=True)
class Evaluation:
    """Means over the `chars` of a split; see docs/eval.md.

    `interval`: a 95 % interval of the nats per character, None where the text is too short.
    `context`: of the protocol "cold". `dynamic`: the rate of learning.
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

    def values(self) -> dict[str, Any]:
        """The fields as `charrnn eval --format json` prints them."""
        fields = asdict(self)
        if self.dynamic is None:
            del fields["dynamic"]
        return fields

    def _repr_html_(self) -> str:
        return table("evaluation", {
            "nats per character": f"{self.nats_per_char:.4f}",
            "bits per character": f"{self.bits_per_char:.4f}",
            "perplexity": f"{self.perplexity:.3f}",
            "accuracy": f"{self.accuracy:.2%}",
            "characters": f"{self.chars:,}, split {self.split}, protocol {self.protocol}",
        })  # fmt: skip


@dataclass(frozen=True)
class Examined:
    """What is to be scored: a part of a corpus, and how."""

    corpus: Corpus
    part: Part
    split: str
    protocol: str
    cold: int | None


def examined(
    model: Model, files: tuple[str, ...], split: str | None, protocol: str, context: int | None, *,
    dynamic: float | None = None, on_unknown: Any = None, tell: Callable[[str], None] = notice,
    spelled: Spelled = str,
) -> Examined:  # fmt: skip
    """Check what is asked and read its text. Raises UsageError and DataError."""
    split = split or ("all" if files else "val")
    one_of(spelled("split"), split, SPLITS)
    one_of(spelled("protocol"), protocol, PROTOCOLS)
    in_range(spelled("context"), context, 1, whole=True)
    in_range(spelled("dynamic"), dynamic, 0)
    unknown = on_unknown or model.config.data.on_unknown
    one_of(spelled("on_unknown"), unknown, UNKNOWN)
    cold = _cold(protocol, context, model.config, spelled)
    if dynamic is not None and cold is not None:
        carried = f"{spelled('protocol')} carried"
        raise UsageError(f"{spelled('dynamic')} reads one stream: it is for {carried}")
    corpus = _corpus(model, files, split, unknown, spelled)
    for text in corpus.notices:
        tell(text)
    if not files and split != "all" and corpus.sha256 != model.meta.get("corpus_sha256"):
        tell("the text is not the one that the model was trained on")
    part: Any = "train" if split == "all" else split
    if not corpus.characters(part):
        raise DataError(
            f"the text has no {split} part: data.split is {list(model.config.data.split)}",
            then=f"choose another {spelled('split')}, or score a text of its own with "
            f"{spelled('files')}",
        )
    return Examined(corpus, part, split, protocol, cold)


def evaluated(
    model: Model, what: Examined, dynamic: float | None, tell: Callable[[str], None] = notice
) -> Evaluation:
    """Score it. With `dynamic`, it is a copy of the parameters that learns."""
    corpus, part, network = what.corpus, what.part, model.network()
    if dynamic is not None:
        network.params = network.params.over(network.params.flat.copy())
    work = 1 if dynamic is None else LEARNING
    build.use_compiled_if_worthwhile(network, model.config, work * corpus.characters(part))
    prepare(network, tell, learning=dynamic is not None)
    blocks = Blocks(lines=corpus.lines is not None)
    with threads(model.config.runtime.threads if dynamic is None else 1):
        if dynamic is None:
            score = evaluate_part(network, corpus, part, cold=what.cold, blocks=blocks)
        else:
            score = evaluate_dynamically(network, corpus, part, dynamic, blocks=blocks)
    return Evaluation(
        nats_per_char=score.nats_per_char, bits_per_char=score.bits_per_char,
        perplexity=score.perplexity, accuracy=score.accuracy, chars=score.chars,
        interval=blocks.interval(), split=what.split, protocol=what.protocol, context=what.cold,
        dynamic=dynamic,
    )  # fmt: skip


def evaluate(
    model: Model, files: tuple[str, ...], split: str | None, protocol: str, context: int | None, *,
    dynamic: float | None, on_unknown: Any,
) -> Evaluation:  # fmt: skip
    """Both in one."""
    what = examined(model, files, split, protocol, context, dynamic=dynamic, on_unknown=on_unknown)
    return evaluated(model, what, dynamic)


def _cold(protocol: str, context: int | None, config: Config, spelled: Spelled) -> int | None:
    """Characters of a cold window; None for the carried protocol."""
    cold = f"{spelled('protocol')} cold"
    if context is not None and protocol != "cold":
        raise UsageError(f"{spelled('context')} is for {cold}")
    if protocol == "cold" and config.data.mode == "lines":
        raise UsageError(f"{cold} is for streams: every line has a state of its own")
    return (context or CONTEXT) if protocol == "cold" else None


def _corpus(
    model: Model, files: tuple[str, ...], split: str, on_unknown: Any, spelled: Spelled
) -> Corpus:
    data: dict[str, Any] = {"on_unknown": on_unknown}
    if files:
        data["text"] = files
    if split == "all":
        data["split"] = (1.0, 0.0, 0.0)
    try:
        return load_corpus(model.config.data.model_copy(update=data), model.vocabulary)
    except LackingError as error:
        error.advise(spelled("on_unknown"))
        raise
