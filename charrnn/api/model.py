"""A trained model: what `charrnn.load` returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike, fspath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from charrnn.api.arguments import require
from charrnn.api.loaded import LoadedModel
from charrnn.api.sampling import likeliest, next_probabilities, prepare_sampler
from charrnn.api.showing import table
from charrnn.data.vocabulary import OnUnknown
from charrnn.runs.listing import find_run
from charrnn.storage.checkpoint_folder import read_from

# What one method needs is imported there: to sample should not wait for reports and exports.
if TYPE_CHECKING:
    from charrnn.api.evaluation import Evaluation
    from charrnn.api.scores import Scores
    from charrnn.export.formats import Format
    from charrnn.export.html.packing import Precision
    from charrnn.inference.scoring import Unknown

AnyPath = str | PathLike[str]
Array = NDArray[Any]
Which = Literal["best", "last"]
Use = Literal["network", "mixture"]
InitialState = Literal["warm", "zero"]


def load(run: AnyPath, checkpoint: Which = "best") -> Model:
    """The model of a run's folder, or a unique part of its name, or of a `.safetensors` checkpoint.

    `checkpoint`: which one of a run's folder; a damaged last one is passed over, with a notice.
    Raises CheckpointError where there is none, or where it is damaged.

    >>> model = charrnn.load("runs/tiny")
    >>> model.config.model.cell, model.step
    ('gru', 20)
    """
    require(checkpoint=checkpoint)
    return Model(*read_from(find_run(run), checkpoint))


class Model(LoadedModel):
    """A trained network, its vocabulary and its configuration.

    `path`: the checkpoint's file. `meta`: its metadata, as docs/checkpoints.md describes it.
    Methods may be called from several threads, and iterators may be read side by side.
    """

    @property
    def parameters(self) -> Mapping[str, Array]:
        """Every parameter by its name, in the letters and shapes of the legend; read-only.

        >>> model = charrnn.load("runs/tiny")
        >>> {name: array.shape for name, array in model.parameters.items()}["layers.0.U"]
        (8, 24)
        """
        views = {name: array.view() for name, array in self._network.params.items()}
        for view in views.values():
            view.flags.writeable = False
        return MappingProxyType(views)

    def export(
        self,
        to: Format,
        out: AnyPath | None = None,
        *,
        precision: Precision | None = None,
        use: Use | None = None,
    ) -> bytes:
        """The model for another program, as `charrnn export`; written to `out` if that is given.

        `to`: "torch" or "onnx", or "html", a page that runs it in a browser. For a page alone:
        `precision`, "small" (8 bits a weight) or "exact" (float32), and `use`, whether it has the
        run's n-gram too. Raises UsageError for a model that the format cannot express, and
        MissingExtraError without the package onnx.

        >>> model = charrnn.load("runs/tiny")
        >>> len(model.export("torch", "tiny.safetensors")) > 1000
        True
        >>> b"<textarea" in model.export("html", "tiny.html", precision="exact")
        True
        """
        from charrnn.api.exporting import export

        return export(self, to, out, precision, use)

    def sample(
        self,
        prime: str | bytes = "",
        *,
        length: int | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        stop: str | bytes | Sequence[str | bytes] = (),
        lines: int | None = None,
        records: int | None = None,
        beam: int | None = None,
        allow: str | bytes | None = None,
        forbid: str | bytes | None = None,
        on_unknown: OnUnknown | None = None,
        errors: str = "replace",
        valid: bool = False,
        use: Use | None = None,
        ngram_weight: float | None = None,
        initial_state: InitialState | None = None,
    ) -> Iterator[str]:
        """Text that goes on from `prime`, in pieces as they are made; the prime is not repeated.

        As `charrnn sample`, whose text for the same seed is the same. `length`: characters, 2000,
        or 10,000 for each of `records`, at most; of a model of bytes bytes, and on to the end of
        the last character. `temperature` divides the logits, and 0 takes the likeliest; `top_k` and
        `top_p` leave the likeliest. What ends it: a text of `stop`, which is left out, the line end
        that `lines` counts, or the record, or line of a model of lines, that `records` counts.
        `beam`: search for the likeliest text with so many kept side by side, and draw nothing.
        `allow` and `forbid`: characters that may, or may not, be sampled. `errors`: how a model of
        bytes has those decoded that are not UTF-8; "surrogateescape" keeps them; `valid` has none
        of them sampled, and whole characters are as likely as before. `use`: the network, or the
        mixture with the run's n-gram, which is sampled from where there is one; `ngram_weight`: how
        much of the n-gram's part counts, from 0 to 1. `initial_state`: what the text of a stream
        begins from, "warm", a state that the model knows, or "zero".

        Raises UsageError for a value out of range, and DataError for a prime that the vocabulary
        lacks, at the call and not at the first piece.

        >>> model = charrnn.load("runs/tiny")
        >>> text = "".join(model.sample("The ", length=30, temperature=0.5, seed=1))
        >>> len(text)
        30
        """
        sampler = prepare_sampler(
            self, self.symbols(prime, "prime"), length=length, temperature=temperature,
            top_k=top_k, top_p=top_p, seed=seed, lines=lines, records=records, allow=allow,
            forbid=forbid, stops=[stop] if isinstance(stop, str | bytes) else stop,
            on_unknown=on_unknown, use=use, ngram_weight=ngram_weight, valid=valid,
            initial_state=initial_state,
        )  # fmt: skip
        return sampler.decoded(errors, beam)

    def sample_unique(
        self,
        count: int,
        prime: str = "",
        *,
        length: int = 10_000,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        use: Use | None = None,
    ) -> list[str]:
        """Records, or lines of a model of lines, of which none repeats or was trained on.

        As `charrnn sample --unique`; without what ends each. `length`: characters of one, at most.
        Fewer than `count` come, with a notice, where twenty samples for each do not have so many.
        Raises UsageError for a model of a stream, and DataError where the training text is not
        there any more.

        >>> settings = {"data.mode": "lines", "model.hidden_size": 8, "model.num_layers": 1}
        >>> run = charrnn.train(files="my.txt", settings=settings, steps=5, progress=False)
        >>> lines = run.model().sample_unique(2, seed=1)
        >>> len(set(lines))
        2
        """
        sampler = prepare_sampler(
            self, self.symbols(prime, "prime"), length=length, temperature=temperature,
            top_k=top_k, top_p=top_p, seed=seed, records=1, unique=True, use=use,
        )  # fmt: skip
        return list(sampler.unique_texts(count))

    def score(
        self,
        text: str | bytes,
        *,
        on_unknown: Unknown | None = None,
        use: Use | None = None,
        independent: bool = False,
        encoding: str | None = None,
        initial_state: InitialState | None = None,
    ) -> Scores:
        """Nats of each character of a text, as `charrnn score`.

        `use`: "network" or "mixture", which is used where the run has one. `on_unknown`: whether
        characters that the vocabulary lacks count as "surprise", which they do unless the run's
        data.on_unknown is skip or map, raise a DataError ("error"), are left out ("skip"), or
        mapped to look-alikes ("map"). How many there were is a notice. `independent`: each line as
        if it were the only one, so that their order decides nothing. `encoding`: that of bytes
        which are given to a model of characters. `initial_state` as in `sample`.

        >>> scores = charrnn.load("runs/tiny").score("The lamp\\n")
        >>> len(scores.nats), bool(scores.bits_per_char > 0)
        (9, True)
        """
        from charrnn.api.scores import score

        if encoding is not None:
            text = self.decoded(text, encoding)
        return score(
            self, text, on_unknown, use, independent=independent, initial_state=initial_state
        )

    def evaluate(
        self,
        files: AnyPath | Sequence[AnyPath] | None = None,
        *,
        split: Literal["train", "val", "test", "all"] | None = None,
        protocol: Literal["carried", "cold"] = "carried",
        context: int | None = None,
        dynamic: float | None = None,
        hmm: int | None = None,
        on_unknown: OnUnknown | None = None,
        use: Use | None = None,
        encoding: str | None = None,
    ) -> Evaluation:
        """Score a part of the model's text, or all of other files, as `charrnn eval`.

        `split`: "val", and "all" of `files`. `protocol`: one stream, or windows of `context`
        characters (256) from a zero state. `dynamic`: learn on what was scored, at this rate; the
        model itself stays as it is. `hmm`: the states of a hidden Markov model to compare with,
        learned from the training part. `use` as in `score`. `encoding`: that of `files`; else the
        model's own, or UTF-8 where they are that. Raises UsageError, and DataError where the text
        is not there.

        >>> result = charrnn.load("runs/tiny").evaluate()
        >>> result.split, result.chars
        ('val', 456)
        """
        names = [files] if isinstance(files, str | PathLike) else files or ()
        from charrnn.api.evaluation import evaluate

        return evaluate(
            self, tuple(fspath(name) for name in names), split, protocol, context,
            dynamic=dynamic, hmm=hmm, on_unknown=on_unknown, use=use, encoding=encoding,
        )  # fmt: skip

    def probabilities(
        self,
        prime: str | bytes = "",
        *,
        use: Use | None = None,
        ngram_weight: float | None = None,
        initial_state: InitialState | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        allow: str | bytes | None = None,
        forbid: str | bytes | None = None,
        on_unknown: OnUnknown | None = None,
    ) -> NDArray[np.float64]:
        """The distribution (K,) of the character after a prime, in the vocabulary's order.

        It is the model's own, unless an argument of `sample` changes what is drawn from.

        >>> model = charrnn.load("runs/tiny")
        >>> p = model.probabilities("The lam")
        >>> p.shape == (model.vocabulary.K,), round(float(p.sum()), 6)
        (True, 1.0)
        """
        return next_probabilities(
            self, prime, use=use, ngram_weight=ngram_weight, temperature=temperature, top_k=top_k,
            top_p=top_p, allow=allow, forbid=forbid, on_unknown=on_unknown,
            initial_state=initial_state,
        )  # fmt: skip

    def next_characters(
        self, prime: str | bytes = "", top: int = 10, *, use: Use | None = None
    ) -> list[tuple[str, float]]:
        """The likeliest characters after a prime and their probabilities, the likeliest first.

        >>> [len(c) for c, p in charrnn.load("runs/tiny").next_characters("The lam", top=3)]
        [1, 1, 1]
        """
        return likeliest(self, prime, top, use)

    def __repr__(self) -> str:
        facts = self.facts()
        return f"<charrnn.Model {facts['model']}, step {facts['step']}, {facts['checkpoint']}>"

    def _repr_html_(self) -> str:
        return table("charrnn model", self.facts())
