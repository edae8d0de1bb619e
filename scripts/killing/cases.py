"""What is tortured: tiny steps, with a save every few of them."""

from __future__ import annotations

from pathlib import Path

TEXT = 'OWEN:\n  "I know," said the clerk, "and so is the letter."\n\n' * 60
COMMON = [
    "train.epochs=null", "train.batch_size=4", "train.sample_length=30", "train.log_every=1",
    "runtime.kernels=numpy",
]  # fmt: skip
CASES = {
    "lstm stream": [
        "model.cell=lstm", "model.hidden_size=64", "model.num_layers=2", "model.dropout=0.2",
        "bptt.k1=10", "bptt.k2=15", "optim.schedule.name=plateau", "optim.schedule.patience=1",
        "train.eval_every=5", "train.checkpoint_every=2", "train.keep=2", "train.steps=90",
        "runtime.kernels=auto",
    ],
    "gru lines": [
        "model.cell=gru", "model.hidden_size=48", "model.num_layers=1", "data.mode=lines",
        "bptt.k1=10", "optim.name=rmsprop", "optim.schedule.name=exponential",
        "train.eval_every=7", "train.checkpoint_every=3", "train.steps=250",
    ],
    "lstm records": [
        "model.cell=lstm", "model.hidden_size=32", "model.num_layers=1", "data.mode=records",
        "data.newlines=lf", "bptt.k1=9", "bptt.k2=20", "train.eval_every=6",
        "train.checkpoint_every=2", "train.keep=1", "train.steps=120",
    ],
    "gru blocks": [
        "model.cell=gru", "model.hidden_size=32", "model.num_layers=1", "data.split_by=blocks",
        "bptt.k1=10", "bptt.k2=15", "train.eval_every=5", "train.checkpoint_every=3",
        "train.steps=120",
    ],
    "rnn full": [
        "model.cell=rnn", "model.hidden_size=40", "model.num_layers=1", "bptt.mode=full",
        "bptt.window=50", "data.split=[0.2,0.2,0.6]", "optim.name=momentum",
        "optim.schedule.name=cosine", "train.eval_every=4", "train.checkpoint_every=1",
        "train.keep=0", "train.steps=90",
    ],
    "1997 adagrad": [
        "model.cell=lstm", "model.forget_gate=false", "bptt.cell_truncation=1997",
        "model.hidden_size=32", "model.num_layers=1", "bptt.k1=8", "optim.name=adagrad",
        "optim.learning_rate=0.05", "train.eval_every=6", "train.checkpoint_every=1",
        "train.keep=3", "train.steps=130",
    ],
    "gru with n-gram": [
        "model.cell=gru", "model.hidden_size=24", "model.num_layers=1", "bptt.k1=10",
        "train.eval_every=5", "train.checkpoint_every=4", "train.keep=1", "train.steps=12",
        "ngram.order=5",
    ],
}  # fmt: skip


def command(text: Path, out: Path, case: str) -> list[str]:
    """The arguments of `charrnn train` that begin a run of the case."""
    sets = [f"--set={item}" for item in (*COMMON, *CASES[case])]
    return ["--text", str(text), "--out", str(out), *sets, "-q"]
