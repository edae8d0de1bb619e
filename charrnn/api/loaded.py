"""What a checkpoint holds for all that reads or samples with it: `Model` is this with methods."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

from charrnn import build
from charrnn.api.arguments import require, require_codec
from charrnn.data.corpus import Corpus, load_corpus
from charrnn.data.files import MARK, UndecodableError, decoded
from charrnn.data.layout import Layout, layout_of
from charrnn.errors import DataError, DivergenceError, UsageError, argument, call
from charrnn.inference.beginning import Beginning, zero_beginning
from charrnn.inference.mixture.model import Mixture
from charrnn.inference.scoring import nats_of_unseen
from charrnn.inference.warming import warm_beginning
from charrnn.nn.network import Network
from charrnn.runs.mixtures import OtherCheckpointError, mixture_beside, read_mixture
from charrnn.runtime.workers import threads
from charrnn.storage.checkpoint import Checkpoint


class LoadedModel:
    """A trained network, its vocabulary and its configuration.

    `path`: the checkpoint's file. `meta`: its metadata, as docs/checkpoints.md describes it.
    """

    def __init__(self, path: Path, checkpoint: Checkpoint) -> None:
        self.path, self.meta = path, checkpoint.meta.values
        self._network, self.vocabulary, self.config = build.restore_network(checkpoint, str(path))
        self._mixture: Mixture | None = None
        self._carried = checkpoint.arrays.get("state")
        self._warm: Beginning | None = None

    @property
    def step(self) -> int:
        """Updates that the model was trained for."""
        step: int = self.meta["step"]
        return step

    @property
    def layout(self) -> Layout:
        """How its texts are laid out: one stream, or sequences with a boundary."""
        return layout_of(self.config.data)

    @property
    def nats_of_unseen(self) -> float:
        """What a character costs in scores that the training text does not have."""
        characters: int | None = self.meta.get("text_characters")
        if not characters:  # as in checkpoints of early versions: each has at least a byte
            characters = sum(self.meta.get("text_bytes", {}).values()) or None
        return nats_of_unseen(self.vocabulary.K, characters)

    @property
    def mixture(self) -> Mixture | None:
        """The mixture with an n-gram that belongs to this checkpoint; None where there is none.

        Read when it is first asked for. Raises CheckpointError where it is damaged or of another
        checkpoint.
        """
        if self._mixture is None and (path := mixture_beside(self.path)) is not None:
            self._mixture = read_mixture(path, self._network, self.vocabulary)
        return self._mixture

    def used_mixture(self, use: str | None, tell: Callable[[str], None]) -> Mixture | None:
        """The mixture that `use` asks for, "network" being none, and None the one that is there.

        One of another checkpoint is told of and not used, unless it is asked for; that, and having
        none, raise CheckpointError and UsageError then.
        """
        require(use=use)
        if use == "network":
            return None
        try:
            mixture = self.mixture
        except OtherCheckpointError as error:
            if use == "mixture":
                raise
            tell(f"{error.where} {error.what}, and is not used; to make it again: "
                 f"{call('mix', 'RUN')}")  # fmt: skip
            return None
        if mixture is None and use == "mixture":
            raise UsageError(
                "there is no n-gram beside the network",
                where=str(self.path),
                then=f"to add one to a run: {call('mix', 'RUN')}",
            )
        return mixture

    def beginning(self, initial_state: str | None = None) -> Beginning:
        """What a text begins after: "warm", which None is too, or "zero".

        Models of lines and records have no other than zero.
        """
        require(initial_state=initial_state)
        if initial_state == "zero" or self.layout.boundary is not None:
            return zero_beginning(self._network, self.layout.first_id(self.vocabulary))
        if self._warm is None:
            try:
                with threads(1):
                    self._warm = warm_beginning(self.network(), self.vocabulary, self._carried)
            except DivergenceError:  # whatever it begins from, sampling will say so
                return self.beginning("zero")
        return self._warm

    def facts(self) -> dict[str, str]:
        """What it is, in words, for people."""
        model, best = self.config.model, self.meta.get("best")
        facts = {
            "model": f"{model.cell.upper()} {model.num_layers} × {model.hidden_size}",
            "parameters": f"{self._network.params.flat.size:,}",
            "vocabulary": f"K = {self.vocabulary.K} {self.vocabulary.unit}s",
            "step": f"{self.step:,}",
        }
        if best:
            facts["best val"] = f"{best[0]:.4f} nats per character at step {best[1]:,}"
        return facts | {"checkpoint": str(self.path)}

    def symbols(self, text: str | bytes, name: str) -> str:
        """A text, given as the argument `name`, in the symbols that the model reads."""
        found = as_symbols(text, self.vocabulary.unit)
        return self.layout.symbols(found, argument(name))

    def decoded(self, text: str | bytes, encoding: str) -> str:
        """Bytes as the characters that they are in an encoding. Raises UsageError and DataError."""
        require_codec(encoding)
        if isinstance(text, str) or self.vocabulary.unit == "byte":
            raise UsageError(
                f"{argument('encoding')} is for bytes that are given to a model of characters"
            )
        try:
            return decoded(Path("text"), text, encoding)
        except UndecodableError as error:
            error.advise("encoding")
            raise

    def network(self) -> Network:
        """The network with memory of its own over the same parameters: for one use of it."""
        network = self._network.with_own_workspace()
        network.cells = [copy(cell) for cell in network.cells]
        return network

    def was_trained_on(self, corpus: Corpus) -> bool:
        """Whether that is the very text."""
        return corpus.sha256 == self.meta.get("corpus_sha256")


def training_corpus(model: LoadedModel, name: str, tell: Callable[[str], None]) -> Corpus:
    """The model's own text, in its parts, for the argument `name` that compares with it.

    Raises DataError where it is not there any more.
    """
    try:
        corpus = load_corpus(model.config.data, model.vocabulary)
    except DataError as error:
        raise DataError(
            error.what,
            where=error.where,
            then=f"{argument(name)} needs the text that the model was trained on, where it was "
            "then",
        ) from None
    if not model.was_trained_on(corpus):
        tell(
            f"the text that {argument(name)} looks at is not the one that the model was trained on"
        )
    return corpus


def as_symbols(text: str | bytes, unit: str) -> str:
    """A text in a vocabulary's unit: for bytes, a character U+0000 to U+00FF for each.

    A byte order mark is no part of a str.
    """
    if isinstance(text, str):
        text = text.removeprefix(MARK)
    if unit == "byte":
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        return data.decode("latin-1")
    if isinstance(text, str):
        return text
    given: Any = type(text).__name__
    raise UsageError(
        f"a text is a str, not {given}: bytes are for models of data.unit byte",
        then='decode them, or say how they are encoded, for example encoding="utf-8"',
    )
