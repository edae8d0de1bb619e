"""Every cell and option there is, as --set items; what the proofs run over."""

from __future__ import annotations

from itertools import product

from charrnn.nn.cells.registry import cell_names

RNNS = {
    f"rnn {activation}{'' if bias else ' no bias'}": [
        "model.cell=rnn", f"model.activation={activation}", f"model.bias={str(bias).lower()}",
    ]
    for activation, bias in product(("tanh", "sigmoid", "relu"), (True, False))
}  # fmt: skip
RNNS["rnn relu identity"] = [
    "model.cell=rnn", "model.activation=relu", "model.init.U.scheme=identity",
]  # fmt: skip

GRUS = {"gru": ["model.cell=gru"], "gru no bias": ["model.cell=gru", "model.bias=false"]}

FORGETS = {
    "forget": [],
    "1997": ["model.forget_gate=false"],
    "coupled": ["model.coupled_gates=true"],
}
LSTMS = {
    f"lstm {forget}{' peepholes' if peepholes else ''} g={g} h={h}{' truncated' if cut else ''}": [
        "model.cell=lstm", *FORGETS[forget], f"model.peepholes={str(peepholes).lower()}",
        f"model.cell_input={g}", f"model.cell_output={h}",
        f"bptt.cell_truncation={'1997' if cut else 'none'}",
    ]
    for forget, peepholes, (g, h), cut in product(
        FORGETS, (False, True), (("tanh", "tanh"), ("logistic", "logistic"),
        ("identity", "tanh"), ("tanh", "identity")), (False, True),
    )
}  # fmt: skip
LSTMS["lstm no bias"] = ["model.bias=false"]

# A cell without a table of variants above is proved as it is by default.
OTHERS = {
    name: [f"model.cell={name}"] for name in cell_names() if name not in ("rnn", "gru", "lstm")
}
VARIANTS = {**RNNS, **GRUS, **LSTMS, **OTHERS}
# One of each kind, for proofs that need not see every combination.
CELLS = {
    "rnn": RNNS["rnn tanh"],
    "gru": GRUS["gru"],
    "lstm": LSTMS["lstm forget g=tanh h=tanh"],
    "lstm 1997": LSTMS["lstm 1997 g=logistic h=logistic"],
    "lstm peepholes": LSTMS["lstm forget peepholes g=tanh h=tanh"],
    "lstm coupled": LSTMS["lstm coupled g=tanh h=tanh"],
    **OTHERS,
}
