"""Models of one text at about the same number of parameters: nats per character of its last tenth.

    python benchmarks/matched_parameters.py [--text FILE] [--json FILE]

The text is the first 200,000 characters of the bundled corpus, or of another.

The budget is the number of different grams of 1 to 3 characters in the training part (and of 1 to
4), one number each, which is what an n-gram of that order has. A network has the most hidden units
that the budget allows, a hidden Markov model the most states; the mixture has an n-gram of one
order less, and an LSTM of what that leaves. Unigram and bigram cannot have more than they have. The
mixture's weights begin equal, learn while it reads, and are not counted. A last row is over the
budget: the mixture of that LSTM and that n-gram which have all of it. Networks are trained for six
epochs, seconds on two cores; losses do not depend on the clock.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring import TEXT, Report, Table, run

SIZE, EPOCHS = 200_000, 6
ORDERS = (3, 4)
WITH_HMM = 3  # of the larger budget, Baum-Welch takes minutes
SETTINGS = {
    "model.num_layers": 1, "bptt.k1": 48, "bptt.k2": 48, "optim.learning_rate": 8e-3,
    "optim.ema_decay": 0.998, "optim.schedule.name": "cosine", "optim.schedule.warmup_steps": 100,
    "optim.schedule.final": 0.5, "train.batch_size": 16, "train.epochs": EPOCHS,
}  # fmt: skip
# Parameters of each, given K symbols and H hidden units or states.
PARAMETERS: dict[str, Callable[[int, int], int]] = {
    "rnn": lambda K, H: (K + H + 1) * H + (H + 1) * K,
    "lstm": lambda K, H: 4 * (K + H + 1) * H + (H + 1) * K,
    "hmm": lambda K, N: (N - 1) + N * (N - 1) + N * (K - 1),
}


def most(name: str, K: int, budget: int) -> int:
    """The largest H or N whose parameters are not more."""
    size = 1
    while PARAMETERS[name](K, size + 1) <= budget:
        size += 1
    return size


def different_grams(text: str, order: int) -> list[int]:
    """How many different grams a text has, of up to 1, 2, … `order` characters."""
    of_each = [
        len({text[i : i + m] for i in range(len(text) - m + 1)}) for m in range(1, order + 1)
    ]
    return [sum(of_each[:m]) for m in range(1, order + 1)]


class Bench:
    def __init__(self, text: Path, epochs: float, folder: Path) -> None:
        self.text, self._epochs, self._folder = folder / "text.txt", epochs, folder
        whole = text.read_text(encoding="utf-8")[:SIZE]
        self.text.write_text(whole, encoding="utf-8")
        self.K, self.train = len(set(whole)), whole[: int(len(whole) * 0.9)]
        self.grams = different_grams(self.train, max(ORDERS))

    def tell(self, name: str, parameters: int, nats: float) -> tuple[str, int, float]:
        """Say it while the others are still to come."""
        print(f"{name}: {parameters:,} parameters, {nats:.4f} nats", file=sys.stderr, flush=True)
        return name, parameters, nats

    def network(self, cell: str, budget: int, order: int = 0) -> tuple[str, int, dict[str, Any]]:
        """What it is, its parameters, and its evaluation, with an n-gram of some order or none."""
        import charrnn

        H = most(cell, self.K, budget)
        settings = {**SETTINGS, "model.cell": cell, "model.hidden_size": H, "ngram.order": order,
                    "train.epochs": self._epochs}  # fmt: skip
        out = self._folder / f"{cell}-{H}-{order}"
        trained = charrnn.train(files=self.text, settings=settings, out=out, progress=False)
        assert trained.summary["parameters"] == PARAMETERS[cell](self.K, H)
        found = charrnn.load(trained).evaluate()
        return f"{cell.upper()} 1×{H}", PARAMETERS[cell](self.K, H), vars(found) | {"out": out}

    def mixed(self, out: Path, order: int) -> dict[str, float]:
        """Nats per character of a run's network, of an n-gram, and of their mixture."""
        import charrnn

        charrnn.mix(out, order)
        found = charrnn.load(out).evaluate()
        assert found.parts is not None
        return {**found.parts, "mixture": found.nats_per_char}


def rows(bench: Bench, order: int) -> list[dict[str, Any]]:
    """Every model of the budget of an order."""
    import charrnn

    found, budget = [], bench.grams[order - 1]
    lstm, parameters, values = bench.network("lstm", budget)
    out, named = values["out"], {1: "unigram", 2: "bigram"}
    alone = values["nats_per_char"]
    for m in (1, 2, order):
        name = named.get(m, f"n-gram of order {m}")
        mixed = bench.mixed(out, m)
        found.append(bench.tell(name, bench.grams[m - 1], mixed["ngram"]))
    name, count, values = bench.network("rnn", budget)
    found.append(bench.tell(name, count, values["nats_per_char"]))
    found.append(bench.tell(lstm, parameters, alone))
    left = budget - bench.grams[order - 2]
    name, count, values = bench.network("lstm", left, order - 1)
    name = f"mixture: {name}, {values['parts']['network']:.3f} alone, and order {order - 1}"
    found.append(bench.tell(name, count + bench.grams[order - 2], values["nats_per_char"]))
    name = f"over the budget, mixture: {lstm} and order {order}"
    found.append(bench.tell(name, parameters + budget, mixed["mixture"]))
    if order == WITH_HMM:
        N = most("hmm", bench.K, budget)
        markov = charrnn.load(out).evaluate(use="network", hmm=N).hmm
        assert markov is not None
        name = f"HMM, {N} states"
        found.insert(2, bench.tell(name, markov.parameters, markov.nats_per_char))
    return [{"model": m, "parameters": p, "nats_per_char": n} for m, p, n in found]


def report(options: argparse.Namespace) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options.text, 0.1 if options.quick else EPOCHS, Path(folder))
        found = {f"order {order}": rows(bench, order) for order in ORDERS}
    tables = [
        Table(f"At most {bench.grams[order - 1]:,} parameters", ["model", "parameters", "nats"],
              [[v["model"], f"{v['parameters']:,}", f"{v['nats_per_char']:.3f}"]
               for v in found[f"order {order}"]])
        for order in ORDERS
    ]  # fmt: skip
    return Report(tables, found)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--text", type=Path, default=TEXT, metavar="FILE", help="another text")


if __name__ == "__main__":
    run(report, about=str(__doc__).splitlines()[0], needs=("numba",), more=_options)
