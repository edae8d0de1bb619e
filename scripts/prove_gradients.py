"""Print the matrix of proofs: the largest relative error by complex step, float64, of every
cell and option (rows) in every BPTT mode (columns). Exit code 1 if any exceeds 1e-10.

    python scripts/prove_gradients.py
"""

from __future__ import annotations

import sys
from itertools import product

from charrnn import config
from charrnn.analysis.gradcheck.cases import case, reference_of
from charrnn.analysis.gradcheck.comparison import check
from charrnn.nn.cells.registry import cell_names

LIMIT = 1e-10

MODES = {
    "full": ["bptt.mode=full"],
    "full, windows": ["bptt.mode=full", "bptt.window=2"],
    "(k1, k1)": ["bptt.k1=4", "bptt.k2=4"],
    "(k1, k2)": ["bptt.k1=3", "bptt.k2=6"],
    "lines": ["data.mode=lines", "bptt.mode=full"],
    "dropout": ["bptt.k1=3", "bptt.k2=6", "model.dropout=0.4"],
    "variational": ["bptt.mode=full", "model.dropout=0.4", "model.variational_dropout=true"],
    "weight dropout": ["bptt.k1=2", "bptt.k2=3", "model.weight_dropout=0.2"],
}


def rows() -> dict[str, list[str]]:
    """Every cell and option, as --set items."""
    table: dict[str, list[str]] = {}
    for activation, bias in product(("tanh", "sigmoid", "relu"), ("true", "false")):
        name = f"RNN {activation}" + ("" if bias == "true" else ", no bias")
        table[name] = [
            "model.cell=rnn", f"model.activation={activation}", f"model.bias={bias}",
        ]  # fmt: skip
    table["RNN relu, identity U (IRNN)"] = [
        "model.cell=rnn", "model.activation=relu", "model.init.U.scheme=identity",
    ]  # fmt: skip
    table["GRU"] = ["model.cell=gru"]
    table["GRU, no bias"] = ["model.cell=gru", "model.bias=false"]
    kinds = {
        "1997": ["model.forget_gate=false"],
        "forget": [],
        "coupled": ["model.coupled_gates=true"],
    }
    activations = {
        "": [],
        ", g h logistic": ["model.cell_input=logistic", "model.cell_output=logistic"],
        ", g identity": ["model.cell_input=identity"],
        ", h identity": ["model.cell_output=identity"],
    }
    extras = {
        "": [],
        ", peepholes": ["model.peepholes=true"],
        ", 1997 truncation": ["bptt.cell_truncation=1997"],
        ", peepholes, 1997 truncation": ["model.peepholes=true", "bptt.cell_truncation=1997"],
    }
    for kind, activation, extra in product(kinds, activations, extras):
        table[f"LSTM {kind}{activation}{extra}"] = [
            *kinds[kind],
            *activations[activation],
            *extras[extra],
        ]
    table["LSTM forget, no bias"] = ["model.bias=false"]
    for name in cell_names():
        if name not in ("rnn", "gru", "lstm"):
            table[name] = [f"model.cell={name}"]
            table[f"{name}, no bias"] = [f"model.cell={name}", "model.bias=false"]
    return table


def worst(sets: list[str]) -> float:
    """The largest relative error of any entry of any parameter or initial state."""
    chosen = case(config.load(None, sets))
    results = check(
        chosen.network, reference_of(chosen.config), chosen.problem,
        window=chosen.config.bptt.window,
    )  # fmt: skip
    return max(result.max_relative_error for result in results)


def main() -> None:
    print(f"| model, two layers | {' | '.join(MODES)} |")
    print("|---|" + "---|" * len(MODES))
    overall = 0.0
    for name, sets in rows().items():
        errors = [worst([*sets, *mode]) for mode in MODES.values()]
        overall = max(overall, *errors)
        print(f"| {name} | {' | '.join(f'{error:.0e}' for error in errors)} |", flush=True)
    print(f"\nlargest: {overall:.1e}; limit {LIMIT:.0e}")
    sys.exit(overall >= LIMIT)


if __name__ == "__main__":
    main()
