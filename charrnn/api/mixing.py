"""Adding an n-gram to a run: `charrnn.mix`, which `charrnn mix` runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from charrnn import build
from charrnn.api.settings import AnyPath
from charrnn.api.showing import table
from charrnn.config import Config, load, to_yaml
from charrnn.config.schema import NgramConfig
from charrnn.data.corpus import load_corpus
from charrnn.errors import CheckpointError, DataError, UsageError, argument
from charrnn.inference.mixture.trie import MAX_ORDER
from charrnn.runs.folder import RunFolder
from charrnn.runs.listing import find_run
from charrnn.runs.mixtures import add_mixture
from charrnn.storage.atomic import write_atomically
from charrnn.storage.checkpoint import read
from charrnn.storage.checkpoint_folder import locate


@dataclass(frozen=True)
class MixResult:
    """An n-gram of `order` in the run's file `mixture`, of `bytes`.

    `val_loss`: nats per character of the validation part by the mixture; `parts`: by the network
    and by the n-gram alone. None where there is no such part.
    """

    run: str
    mixture: str
    order: int
    bytes: int
    val_loss: float | None
    parts: dict[str, float] | None

    def values(self) -> dict[str, Any]:
        """The object of `charrnn mix --format json`."""
        return asdict(self)

    def _repr_html_(self) -> str:
        return table("mixture", {name: str(value) for name, value in self.values().items()})


def mix(run: AnyPath, order: int | Literal["auto"] = "auto") -> MixResult:
    """Count an n-gram of a run's training text and keep it beside the run's best checkpoint.

    `order`: characters of its longest grams, or "auto". The run's configuration says it from then
    on, so that a resumed run counts anew when it ends. Raises CheckpointError where there is no
    run, or another process trains in it, and DataError where its text is not there.

    >>> run = charrnn.train(files="my.txt", settings={"model.hidden_size": 8}, steps=2)
    >>> result = charrnn.mix(run, 3)
    >>> result.order, result.val_loss < result.parts["network"]
    (3, True)
    """
    _require_order(order)
    path = find_run(run)
    locate(path)
    if not path.is_dir():
        raise CheckpointError("is a checkpoint, and an n-gram is added to a run", where=str(path))
    folder = RunFolder(path)
    folder.lock()
    try:
        checkpoint = locate(path)
        stored = read(checkpoint)
        config = build.config_of(stored, str(checkpoint))
        corpus = load_corpus(config.data, build.vocabulary_of(stored))
        if corpus.sha256 != stored.meta.corpus_sha256:
            raise DataError(
                "the text is not the one that the run was trained on",
                where=", ".join(config.data.text),
                then="put it back: an n-gram is counted in the very text",
            )
        mixed = add_mixture(folder, order, corpus)
        _keep_order(folder, config, order)
    finally:
        folder.unlock()
    return MixResult(str(path), str(mixed.path), mixed.order, mixed.size, mixed.val_loss,
                     mixed.parts)  # fmt: skip


def _keep_order(folder: RunFolder, config: Config, order: int | Literal["auto"]) -> None:
    own = load(folder.config) if folder.config.exists() else config
    if own.ngram.order != order:
        own = own.model_copy(update={"ngram": NgramConfig(order=order)})
        write_atomically(folder.config, to_yaml(own).encode())


def _require_order(order: Any) -> None:
    whole = isinstance(order, int) and not isinstance(order, bool)
    if order != "auto" and not (whole and 1 <= order <= MAX_ORDER):
        raise UsageError(
            f"{order!r} is not auto or a whole number from 1 to {MAX_ORDER}",
            where=argument("order"),
        )
